// NVIDIA GPUs: an SPDM 1.1 measurement report, signed by a key whose chain ends at NVIDIA's
// identity root, and its measurements against NVIDIA's reference manifests.
#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "attest/evidence.h"
#include "attest/nvidia_report.h"
#include "attest/nvidia_rim.h"
#include "attest/rule_book.h"
#include "crypto/der.h"

namespace penstock::attest {
namespace {

// DICE TCB info: Hopper's leaves have it under the first, Blackwell's under the second.
constexpr std::string_view kFwidOids[] = {"2.23.133.5.4.1", "2.23.133.5.4.1.1"};
const crypto::SignatureAlgorithm kNvidiaAlgorithm{crypto::SignatureForm::ecdsa_der,
                                                  crypto::Hash::sha384};

// The 48-byte octet strings of a DICE extension, at any depth.
void octet_strings(ByteView der, std::size_t depth, std::vector<ByteBuffer>& out) {
  crypto::DerReader reader(der);
  while (!reader.at_end() && depth < 8) {
    const auto value = reader.next();
    if (!value) return;
    if (value->tag == crypto::der::kOctetString && value->content.size() == 48)
      out.push_back(to_buffer(value->content));
    if ((value->tag & 0x20) != 0) octet_strings(value->content, depth + 1, out);
  }
}

void check_fwid(RuleBook& book, const NvidiaReport& report, const crypto::PkixCertificate& leaf) {
  std::vector<ByteBuffer> ids;
  for (const std::string_view oid : kFwidOids) {
    const auto value = book.read("leaf certificate", leaf.extension(oid));
    if (!value) return;
    if (*value) octet_strings(**value, 0, ids);
  }
  const auto said = report.opaque.find(kOpaqueFwid);
  const bool good =
      said != report.opaque.end() && std::ranges::find(ids, said->second) != ids.end();
  book.check(good,
             {.name = "fwid",
              .code = "binding",
              .expected = ids.empty() ? "a certificate with a firmware id" : to_hex(ids.front()),
              .seen = said == report.opaque.end() ? "none" : to_hex(said->second),
              .advice = "the certificate is of other firmware than the report"});
}

std::optional<std::string> driver_version(const NvidiaReport& report) {
  const auto driver = report.opaque.find(kOpaqueDriver);
  if (driver == report.opaque.end()) return std::nullopt;
  std::string text(as_text(driver->second));
  text = text.substr(0, text.find('\0'));
  for (char& c : text)
    if (c < 0x20 || c > 0x7e) c = '?';
  return text;
}

// As manifests write it: 96.00.5E.00.01. Four bytes, most significant last, then the one in front.
std::optional<std::string> vbios_version(const NvidiaReport& report) {
  const auto found = report.opaque.find(kOpaqueVbios);
  if (found == report.opaque.end() || found->second.size() != 8) return std::nullopt;
  const ByteBuffer& v = found->second;
  return fmt::format("{:02X}.{:02X}.{:02X}.{:02X}.{:02X}", v[3], v[2], v[1], v[0], v[4]);
}

void nvidia_claims(Claims& claims, const NvidiaReport& report) {
  claims["nonce"] = to_hex(report.nonce);
  claims["responder_nonce"] = to_hex(report.responder_nonce);
  claims["measurement_blocks"] = report.measurements.size();
  Json measurements = Json::object();
  for (const auto& [index, value] : report.measurements)
    measurements[std::to_string(index)] = to_hex(value);
  claims["measurements"] = std::move(measurements);
  if (const auto driver = driver_version(report)) claims["driver_version"] = *driver;
  if (const auto vbios = report.opaque.find(kOpaqueVbios);
      vbios != report.opaque.end() && vbios->second.size() <= 8)
    claims["vbios_version"] = to_hex(ByteBuffer(vbios->second.rbegin(), vbios->second.rend()));
}

void check_nvidia_signature(RuleBook& book, const NvidiaReport& report,
                            const crypto::PkixCertificate& leaf) {
  const bool known = leaf.key() && leaf.key()->kind() == crypto::KeyKind::p384;
  const bool good = known && leaf.may_sign() &&
                    leaf.key()->verify(crypto::SignatureForm::ecdsa_raw, crypto::Hash::sha384,
                                       report.signed_part, report.signature);
  book.check(good, {.name = "signature",
                    .code = "signature",
                    .expected = "ECDSA P-384 by the leaf over request and response",
                    .seen = good    ? "good"
                            : known ? "another signature"
                                    : "a key that is not P-384",
                    .advice = "the report was changed on its way"});
  book.claims()["signature_valid"] = good;
}

bool same_version(const std::optional<std::string>& seen, std::string_view manifest) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  return seen && std::ranges::equal(*seen, manifest, {}, upper, upper);
}

// The decoder of Hopper's video engine is measured only where it is in confidential mode.
bool is_measured(const NvidiaReport& report, unsigned index) {
  constexpr unsigned kDecoder = 35;
  constexpr std::uint8_t kInConfidentialMode = 0xaa;
  if (index != kDecoder) return true;
  const auto found = report.opaque.find(kOpaqueDecoder);
  return found == report.opaque.end() || found->second.empty() ||
         found->second[0] == kInConfidentialMode;
}

// What differs from the manifest, or stands in an earlier one too.
std::string differences(const NvidiaReport& report, const NvidiaRim& rim,
                        std::map<unsigned, const RimValue*>& taken) {
  std::string out;
  const auto add = [&](unsigned index, std::string_view what) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", index, what);
  };
  for (const auto& [index, value] : rim.active) {
    if (!taken.emplace(index, &value).second) {
      add(index, "is in two manifests");
      continue;
    }
    if (!is_measured(report, index)) continue;
    const auto seen = report.measurements.find(index + 1);
    if (seen == report.measurements.end())
      add(index, "was not measured");
    else if (std::ranges::find(value.digests, seen->second) == value.digests.end())
      add(index, "differs");
  }
  return out;
}

// Driver and VBIOS each have a manifest of their own; both are needed.
void check_reference_values(RuleBook& book, const EvidenceFiles& evidence,
                            const NvidiaReport& report) {
  const auto files = evidence.files.find("rim");
  if (files == evidence.files.end() || files->second.empty())
    return book.absent("reference_values", "measurement", {"rim"});
  if (files->second.size() > kRimFilesMax)
    return book.unreadable("manifest", {ErrorCode::limit_exceeded, "too many manifests"});
  std::vector<NvidiaRim> rims;
  for (const ByteBuffer& file : files->second) {
    auto rim = book.read("manifest", parse_nvidia_rim(file));
    if (!rim) return;
    rims.push_back(std::move(*rim));
  }
  std::map<unsigned, const RimValue*> taken;
  bool driver = false, vbios = false;
  std::string wrong;
  for (const NvidiaRim& rim : rims) {
    const bool of_driver = same_version(driver_version(report), rim.version);
    const bool of_vbios = same_version(vbios_version(report), rim.version);
    const bool known = of_driver || of_vbios;
    const std::string name = of_driver ? "driver_rim" : of_vbios ? "vbios_rim" : "rim";
    book.check(known, {.name = name + "_version",
                       .code = "measurement",
                       .expected = fmt::format("driver {} or VBIOS {}",
                                               driver_version(report).value_or("(none)"),
                                               vbios_version(report).value_or("(none)")),
                       .seen = rim.version.empty() ? "none" : rim.version,
                       .advice = "fetch the manifests of the versions that the report names"});
    if (!check_nvidia_rim(book, rim, name) || !known) continue;
    driver = driver || of_driver;
    vbios = vbios || of_vbios;
    const std::string found = differences(report, rim, taken);
    wrong += (wrong.empty() || found.empty() ? "" : ", ") + found;
  }
  book.check(
      driver && vbios && wrong.empty(),
      {.name = "reference_values",
       .code = "measurement",
       .expected = "every active value of a driver's and of a VBIOS' manifest",
       .seen = !driver         ? "no good manifest of the driver"
               : !vbios        ? "no good manifest of the VBIOS"
               : wrong.empty() ? fmt::format("{} values", taken.size())
                               : "measurement " + wrong,
       .advice = "the GPU runs other firmware than NVIDIA has published for these versions"});
}

}  // namespace

Appraisal appraise_nvidia(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  out.trust = Trust::hardware;
  const ByteBuffer* file = evidence.file("evidence");
  if (file == nullptr) {
    book.absent("report", "parse", {"evidence"});
    return out;
  }
  const auto report = book.read("GPU report", parse_nvidia_report(*file));
  if (!report) return out;
  nvidia_claims(out.claims, *report);
  book.nonce(report->nonce);
  if (book.judging()) {
    book.absent("revocation", "no-crl", {"ocsp"});
    check_reference_values(book, evidence, *report);
  }
  const ByteBuffer* chain_file = evidence.file("cert_chain");
  if (chain_file == nullptr) {
    book.absent("chain", "chain", {"cert_chain"});
    return out;
  }
  const auto certificates = book.read("cert_chain", certificates_of(context, *chain_file));
  if (!certificates) return out;
  auto leaf = std::ranges::find_if(*certificates, [](const auto& each) { return !each.is_ca(); });
  if (leaf == certificates->end()) {
    book.unreadable("cert_chain", {ErrorCode::invalid_argument, "no leaf in it"});
    return out;
  }
  const auto chain = chain_of(context, *leaf, *certificates, Pki::nvidia,
                              {.algorithms = {kNvidiaAlgorithm}, .length_max = 6});
  out.claims["chain_internally_valid"] = book.chain("certificate", *chain);
  out.claims["leaf_cn"] = leaf->subject_text();
  // The root counts by its key, and its own certificate may be missing or say anything: its name is
  // what the one below it says, which it has signed.
  const std::size_t issued = std::max<std::size_t>(issued_certificates(*chain), 1);
  out.claims["root_cn"] = chain->certificates[issued - 1].issuer_text();
  check_nvidia_signature(book, *report, *leaf);
  check_fwid(book, *report, *leaf);
  return out;
}

}  // namespace penstock::attest
