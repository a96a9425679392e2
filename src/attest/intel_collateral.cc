#include "attest/intel_collateral.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "attest/limits.h"
#include "attest/rfc3339.h"
#include "attest/rule_book.h"
#include "base/check.h"
#include "base/json.h"

namespace penstock::attest {
namespace {

struct StatusName {
  TcbStatus status;
  std::string_view name;
};
constexpr StatusName kStatuses[] = {
    {TcbStatus::up_to_date, "UpToDate"},
    {TcbStatus::sw_hardening_needed, "SWHardeningNeeded"},
    {TcbStatus::configuration_needed, "ConfigurationNeeded"},
    {TcbStatus::configuration_and_sw_hardening_needed, "ConfigurationAndSWHardeningNeeded"},
    {TcbStatus::out_of_date, "OutOfDate"},
    {TcbStatus::out_of_date_configuration_needed, "OutOfDateConfigurationNeeded"},
    {TcbStatus::td_relaunch_advised, "TDRelaunchAdvised"},
    {TcbStatus::td_relaunch_advised_configuration_needed, "TDRelaunchAdvisedConfigurationNeeded"},
    {TcbStatus::revoked, "Revoked"},
};

std::unexpected<Error> bad_collateral(std::string_view what, std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", what, problem));
}

// The bytes of a member's value in the text of a JSON object, as they came. The text has been
// parsed before, so strings and brackets are whole.
class MemberBytes {
 public:
  explicit MemberBytes(std::string_view text) : text_(text) {}

  std::string_view of(std::string_view member) {
    skip_space();
    ++at_;  // {
    while (true) {
      skip_space();
      if (at_ >= text_.size() || text_[at_] != '"') return {};
      const std::string_view name = value();
      skip_space();
      ++at_;  // :
      skip_space();
      const std::string_view found = value();
      if (name.size() == member.size() + 2 && name.substr(1, member.size()) == member) return found;
      skip_space();
      if (at_ >= text_.size() || text_[at_] != ',') return {};
      ++at_;
    }
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }

  std::string_view value() {
    const std::size_t from = at_;
    int depth = 0;
    bool quoted = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quoted) {
        if (c == '\\') ++at_;
        if (c == '"') {
          quoted = false;
          if (depth == 0) return text_.substr(from, ++at_ - from);
        }
        continue;
      }
      if (c == '"') quoted = true;
      if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return text_.substr(from, ++at_ - from);
    }
    return text_.substr(from, at_ - from);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<int> small_number(const Json& object, std::string_view what, const char* member, int most) {
  const auto found = object.find(member);
  if (found == object.end() || !found->is_number_unsigned() ||
      found->get<std::uint64_t>() > static_cast<std::uint64_t>(most))
    return bad_collateral(what, fmt::format("'{}' is not a number from 0 to {}", member, most));
  return found->get<int>();
}

Result<ByteBuffer> hex_of_size(const Json& object, std::string_view what, const char* member,
                               std::size_t size) {
  ByteBuffer out = TRY_IN(from_hex(TRY(json_string(object, what, member))),
                          fmt::format("{}: '{}'", what, member));
  if (out.size() != size)
    return bad_collateral(what, fmt::format("'{}' is not of {} bytes", member, size));
  return out;
}

Result<std::int64_t> date_of(const Json& object, std::string_view what, const char* member) {
  return TRY_IN(parse_rfc3339(TRY(json_string(object, what, member))),
                fmt::format("{}: '{}'", what, member));
}

Result<TcbVerdict> verdict_of(const Json& level, std::string_view what) {
  TcbVerdict out;
  const auto status = tcb_status_named(TRY(json_string(level, what, "tcbStatus")));
  if (!status || *status == TcbStatus::td_relaunch_advised ||
      *status == TcbStatus::td_relaunch_advised_configuration_needed)
    return bad_collateral(what, "a status that is not known");
  out.status = *status;
  out.date_s = TRY(date_of(level, what, "tcbDate"));
  if (const auto list = level.find("advisoryIDs"); list != level.end()) {
    if (!list->is_array() || list->size() > 256)
      return bad_collateral(what, "'advisoryIDs' is not a list");
    for (const Json& each : *list) {
      if (!each.is_string() || each.get_ref<const std::string&>().size() > 64)
        return bad_collateral(what, "an advisory is not a short text");
      out.advisories.push_back(each.get<std::string>());
    }
  }
  return out;
}

Result<const Json*> levels_of(const Json& object, std::string_view what) {
  const auto list = object.find("tcbLevels");
  if (list == object.end() || !list->is_array() || list->empty() || list->size() > kTcbLevelsMax)
    return bad_collateral(what, "'tcbLevels' is not a list of levels");
  for (const Json& each : *list) {
    const auto tcb = each.is_object() ? each.find("tcb") : each.end();
    if (!each.is_object() || tcb == each.end() || !tcb->is_object())
      return bad_collateral(what, "a level has no 'tcb'");
  }
  return &*list;
}

Result<std::vector<IsvLevel>> isv_levels(const Json& object, std::string_view what) {
  std::vector<IsvLevel> out;
  for (const Json& each : *TRY(levels_of(object, what))) {
    IsvLevel level;
    level.isvsvn = TRY(small_number(each.at("tcb"), what, "isvsvn", 65535));
    level.verdict = TRY(verdict_of(each, what));
    out.push_back(std::move(level));
  }
  std::ranges::sort(out, std::ranges::greater(), &IsvLevel::isvsvn);
  return out;
}

Result<std::array<int, 16>> component_list(const Json& tcb, std::string_view what,
                                           const char* member) {
  const auto list = tcb.find(member);
  if (list == tcb.end() || !list->is_array() || list->size() != 16)
    return bad_collateral(what, fmt::format("'{}' does not have 16 entries", member));
  std::array<int, 16> out{};
  for (std::size_t i = 0; i < 16; ++i) {
    if (!(*list)[i].is_object()) return bad_collateral(what, "a component is not an object");
    out[i] = TRY(small_number((*list)[i], what, "svn", 255));
  }
  return out;
}

Result<PlatformLevel> platform_level(const Json& each, std::string_view what, int version,
                                     bool tdx) {
  PlatformLevel out;
  const Json& tcb = each.at("tcb");
  if (version == 2) {
    for (std::size_t i = 0; i < 16; ++i)
      out.sgx[i] =
          TRY(small_number(tcb, what, fmt::format("sgxtcbcomp{:02}svn", i + 1).c_str(), 255));
  } else {
    out.sgx = TRY(component_list(tcb, what, "sgxtcbcomponents"));
    if (tdx) out.tdx = TRY(component_list(tcb, what, "tdxtcbcomponents"));
  }
  out.pcesvn = TRY(small_number(tcb, what, "pcesvn", 65535));
  out.verdict = TRY(verdict_of(each, what));
  return out;
}

Result<TdxModuleIdentity> module_of(const Json& json, std::string_view what) {
  TdxModuleIdentity out;
  out.mrsigner = TRY(hex_of_size(json, what, "mrsigner", 48));
  out.attributes = TRY(hex_of_size(json, what, "attributes", 8));
  out.attributes_mask = TRY(hex_of_size(json, what, "attributesMask", 8));
  return out;
}

Result<> read_modules(const Json& body, std::string_view what, TcbInfo& out) {
  const auto module = body.find("tdxModule");
  if (module == body.end() || !module->is_object())
    return bad_collateral(what, "'tdxModule' is missing");
  out.module = TRY(module_of(*module, what));
  const auto list = body.find("tdxModuleIdentities");
  if (list == body.end()) return {};
  if (!list->is_array() || list->size() > 256)
    return bad_collateral(what, "'tdxModuleIdentities' is not a list");
  for (const Json& each : *list) {
    if (!each.is_object()) return bad_collateral(what, "a module identity is not an object");
    TdxModuleIdentity identity = TRY(module_of(each, what));
    identity.id = TRY(json_string(each, what, "id"));
    std::ranges::transform(identity.id, identity.id.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    identity.levels = TRY(isv_levels(each, what));
    out.modules.push_back(std::move(identity));
  }
  return {};
}

Result<> read_document(const Json& body, std::string_view what, SignedCollateral& out) {
  out.version = TRY(small_number(body, what, "version", 99));
  out.issued_s = TRY(date_of(body, what, "issueDate"));
  out.next_update_s = TRY(date_of(body, what, "nextUpdate"));
  out.evaluation_number = TRY(small_number(body, what, "tcbEvaluationDataNumber", 1 << 30));
  return {};
}

Result<> read_tcb_info(const Json& body, TcbInfo& out) {
  constexpr std::string_view kWhat = "TCB info";
  TRY(read_document(body, kWhat, out.document));
  if (out.document.version != 2 && out.document.version != 3)
    return bad_collateral(kWhat, "a version other than 2 and 3");
  out.document.id = out.document.version == 2 ? "SGX" : TRY(json_string(body, kWhat, "id"));
  const bool tdx = out.document.id == "TDX";
  if (!tdx && out.document.id != "SGX") return bad_collateral(kWhat, "an id that is not known");
  out.fmspc = to_hex(TRY(hex_of_size(body, kWhat, "fmspc", 6)));
  if (body.contains("pceId") || out.document.version > 2)
    out.pceid = to_hex(TRY(hex_of_size(body, kWhat, "pceId", 2)));
  if (TRY(small_number(body, kWhat, "tcbType", 99)) != 0)
    return bad_collateral(kWhat, "a type of comparison other than 0");
  if (tdx) TRY(read_modules(body, kWhat, out));
  for (const Json& each : *TRY(levels_of(body, kWhat)))
    out.levels.push_back(TRY(platform_level(each, kWhat, out.document.version, tdx)));
  std::ranges::sort(out.levels, [](const PlatformLevel& a, const PlatformLevel& b) {
    return std::tie(b.sgx, b.pcesvn, b.tdx) < std::tie(a.sgx, a.pcesvn, a.tdx);
  });
  return {};
}

Result<Json> parse_body(ByteView json, std::string_view what) {
  Json out = TRY(parse_json(as_text(json), what, {.bytes_max = kCollateralBytesMax}));
  if (!out.is_object()) return bad_collateral(what, "not an object");
  return out;
}

void name_content(SignedCollateral& document) {
  const crypto::Sha256Digest body = crypto::sha256(document.body);
  ByteBuffer all(body.begin(), body.end());
  all.insert(all.end(), document.signature.begin(), document.signature.end());
  document.content = crypto::sha256(all);
}

// The member and its signature.
Result<Json> open_response(ByteView json, std::string_view what, const char* member,
                           SignedCollateral& out) {
  const Json response = TRY(parse_body(json, what));
  const auto body = response.find(member);
  if (body == response.end() || !body->is_object())
    return bad_collateral(what, fmt::format("'{}' is missing", member));
  out.signature = TRY(hex_of_size(response, what, "signature", 64));
  out.body = to_buffer(as_bytes(MemberBytes(as_text(json)).of(member)));
  name_content(out);
  return *body;
}

}  // namespace

std::string_view to_text(TcbStatus status) {
  const auto found = std::ranges::find(kStatuses, status, &StatusName::status);
  CHECK(found != std::end(kStatuses));
  return found->name;
}

std::optional<TcbStatus> tcb_status_named(std::string_view name) {
  const auto found = std::ranges::find(kStatuses, name, &StatusName::name);
  if (found == std::end(kStatuses)) return std::nullopt;
  return found->status;
}

Result<TcbInfo> parse_tcb_info(ByteView json) {
  TcbInfo out;
  const Json body = TRY(open_response(json, "TCB info", "tcbInfo", out.document));
  TRY(read_tcb_info(body, out));
  return out;
}

Result<QeIdentity> parse_qe_identity(ByteView json) {
  constexpr std::string_view kWhat = "QE identity";
  QeIdentity out;
  const Json body = TRY(open_response(json, kWhat, "enclaveIdentity", out.document));
  TRY(read_document(body, kWhat, out.document));
  if (out.document.version != 2) return bad_collateral(kWhat, "a version other than 2");
  out.document.id = TRY(json_string(body, kWhat, "id"));
  out.miscselect =
      static_cast<std::uint32_t>(read_le(TRY(hex_of_size(body, kWhat, "miscselect", 4)), 0, 4));
  out.miscselect_mask =
      static_cast<std::uint32_t>(read_le(TRY(hex_of_size(body, kWhat, "miscselectMask", 4)), 0, 4));
  out.attributes = TRY(hex_of_size(body, kWhat, "attributes", 16));
  out.attributes_mask = TRY(hex_of_size(body, kWhat, "attributesMask", 16));
  out.mrsigner = TRY(hex_of_size(body, kWhat, "mrsigner", 32));
  out.isvprodid = TRY(small_number(body, kWhat, "isvprodid", 65535));
  out.levels = TRY(isv_levels(body, kWhat));
  return out;
}

Result<WrappedTcbInfo> parse_wrapped_tcb_info(ByteView json) {
  constexpr std::string_view kWhat = "wrapped TCB info";
  const Json wrapper = TRY(parse_body(json, kWhat));
  const std::string raw = TRY(json_string(wrapper, kWhat, "raw_tcb_info"));
  WrappedTcbInfo out;
  out.info.document.body = to_buffer(as_bytes(raw));
  out.info.document.signature_der = true;
  const auto signature = wrapper.find("signature"), chain = wrapper.find("ca_chain");
  if (signature == wrapper.end() || !signature->is_array() || signature->size() > 80 ||
      chain == wrapper.end() || !chain->is_array() || chain->size() > 8)
    return bad_collateral(kWhat, "'signature' or 'ca_chain' is not a list");
  for (const Json& byte : *signature) {
    if (!byte.is_number_unsigned() || byte.get<std::uint64_t>() > 255)
      return bad_collateral(kWhat, "'signature' is not a list of bytes");
    out.info.document.signature.push_back(byte.get<std::uint8_t>());
  }
  name_content(out.info.document);
  for (const Json& pem : *chain) {
    if (!pem.is_string()) return bad_collateral(kWhat, "'ca_chain' is not a list of texts");
    out.chain += pem.get<std::string>() + "\n";
  }
  const Json body = TRY(parse_body(out.info.document.body, kWhat));
  TRY(read_tcb_info(body, out.info));
  return out;
}

}  // namespace penstock::attest
