#include "attest/guest_evidence.h"

#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>

#include "attest/limits.h"

namespace penstock::attest {
namespace {

std::unexpected<Error> bad_guest(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("evidence: {}", problem));
}

Result<ByteBuffer> bytes_of(const Json& value, std::string_view member) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    if (text.starts_with("-----BEGIN ")) return to_buffer(as_bytes(text));
    if (auto bytes = from_base64(text)) return std::move(*bytes);
    if (auto bytes = from_base64url(text)) return std::move(*bytes);
    return bad_guest(fmt::format("'{}' is not base64", member));
  }
  if (!value.is_array()) return bad_guest(fmt::format("'{}' is missing, or not bytes", member));
  ByteBuffer out;
  out.reserve(value.size());
  for (const Json& byte : value) {
    if (!byte.is_number_unsigned() || byte.get<std::uint64_t>() > 255)
      return bad_guest(fmt::format("'{}' is not a list of bytes", member));
    out.push_back(byte.get<std::uint8_t>());
  }
  return out;
}

class GuestReader {
 public:
  static Result<GuestReader> over(std::string_view json,
                                  std::initializer_list<std::string_view> known) {
    GuestReader out;
    out.object_ = TRY(parse_json(json, "evidence", {.bytes_max = kEvidenceBytesMax}));
    if (!out.object_.is_object()) return bad_guest("expected an object");
    for (const auto& [name, value] : out.object_.items())
      if (std::ranges::find(known, name) == known.end())
        return bad_guest("a member that is not known; what is not verified is not taken");
    out.files_ = std::make_unique<EvidenceFiles>();
    return out;
  }

  Result<> required(const char* member, std::string_view role) {
    const auto found = object_.find(member);
    if (found == object_.end()) return bad_guest(fmt::format("'{}' is missing", member));
    files_->files[std::string(role)].push_back(TRY(bytes_of(*found, member)));
    return {};
  }

  Result<> optional(const char* member, std::string_view role) {
    const auto found = object_.find(member);
    if (found == object_.end() || found->is_null()) return {};
    files_->files[std::string(role)].push_back(TRY(bytes_of(*found, member)));
    return {};
  }

  Result<> certificates(const char* member) {
    const auto found = object_.find(member);
    if (found == object_.end() || found->is_null()) return {};
    if (!found->is_array() || found->size() > 8)
      return bad_guest(fmt::format("'{}' is not a list of at most 8", member));
    for (const Json& each : *found) {
      const bool wrapped = each.is_object() && each.contains("data");
      files_->files["cert_chain"].push_back(
          TRY(bytes_of(wrapped ? each.at("data") : each, member)));
    }
    return {};
  }

  Result<> tpm_quote() {
    const auto found = object_.find("tpm_quote");
    if (found == object_.end() || !found->is_object() || found->size() != 3)
      return bad_guest("'tpm_quote' is not an object of signature, message and pcrs");
    for (const auto& [member, role] :
         {std::pair{"signature", "signature"}, std::pair{"message", "quote"}}) {
      if (!found->contains(member)) return bad_guest(fmt::format("'{}' is missing", member));
      files_->files[role].push_back(TRY(bytes_of(found->at(member), member)));
    }
    if (!found->contains("pcrs")) return bad_guest("'pcrs' is missing");
    const std::string pcrs = found->at("pcrs").dump();
    files_->files["pcrs"].push_back(to_buffer(as_bytes(pcrs)));
    return {};
  }

  void format(std::string_view role, std::string_view form) {
    files_->formats[std::string(role)] = std::string(form);
  }

  std::unique_ptr<Parsed> take() { return std::move(files_); }

 private:
  Json object_;
  std::unique_ptr<EvidenceFiles> files_;
};

}  // namespace

ParsedEvidence parse_sgx_guest(std::string_view json) {
  GuestReader reader = TRY(GuestReader::over(json, {"quote"}));
  TRY(reader.required("quote", "evidence"));
  return reader.take();
}

ParsedEvidence parse_tdx_guest(std::string_view json) {
  GuestReader reader = TRY(GuestReader::over(json, {"quote", "cc_eventlog"}));
  TRY(reader.required("quote", "evidence"));
  TRY(reader.optional("cc_eventlog", "event_log"));
  return reader.take();
}

ParsedEvidence parse_snp_guest(std::string_view json) {
  GuestReader reader = TRY(GuestReader::over(json, {"attestation_report", "cert_chain"}));
  TRY(reader.required("attestation_report", "evidence"));
  TRY(reader.certificates("cert_chain"));
  return reader.take();
}

ParsedEvidence parse_nitro_guest(std::string_view json) {
  GuestReader reader = TRY(GuestReader::over(json, {"document"}));
  TRY(reader.required("document", "evidence"));
  return reader.take();
}

ParsedEvidence parse_tpm_guest(std::string_view json) {
  GuestReader reader =
      TRY(GuestReader::over(json, {"ak_public", "ak_tpmt", "ak_cert", "ak_chain", "ek_cert",
                                   "ek_chain", "activation", "tpm_quote", "event_log"}));
  TRY(reader.optional("ak_public", "ak"));
  TRY(reader.required("ak_tpmt", "ak_public_area"));
  TRY(reader.optional("ak_cert", "ak_cert"));
  TRY(reader.optional("ak_chain", "ak_chain"));
  TRY(reader.optional("ek_cert", "ek_cert"));
  TRY(reader.optional("ek_chain", "ek_chain"));
  TRY(reader.optional("activation", "activation"));
  TRY(reader.optional("event_log", "event_log"));
  TRY(reader.tpm_quote());
  return reader.take();
}

ParsedEvidence parse_azure_snp_guest(std::string_view json) {
  GuestReader reader = TRY(GuestReader::over(json, {"tpm_quote", "hcl_report", "vcek"}));
  TRY(reader.required("hcl_report", "hcl_report"));
  TRY(reader.required("vcek", "vcek"));
  TRY(reader.tpm_quote());
  reader.format("signature", "rsassa-sha256");
  return reader.take();
}

ParsedEvidence parse_azure_tdx_guest(std::string_view json) {
  GuestReader reader = TRY(GuestReader::over(json, {"tpm_quote", "hcl_report", "td_quote"}));
  TRY(reader.required("hcl_report", "hcl_report"));
  TRY(reader.required("td_quote", "td_quote"));
  TRY(reader.tpm_quote());
  reader.format("signature", "rsassa-sha256");
  return reader.take();
}

}  // namespace penstock::attest
