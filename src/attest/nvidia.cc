// NVIDIA GPUs: an SPDM 1.1 measurement report, signed by a key whose chain ends at NVIDIA's
// identity root. The measurements are read, not compared: that needs NVIDIA's reference manifests.
#include <algorithm>

#include <fmt/format.h>

#include "attest/evidence.h"
#include "attest/nvidia_report.h"
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

void nvidia_claims(Claims& claims, const NvidiaReport& report) {
  claims["nonce"] = to_hex(report.nonce);
  claims["responder_nonce"] = to_hex(report.responder_nonce);
  claims["measurement_blocks"] = report.measurements.size();
  Json measurements = Json::object();
  for (const auto& [index, value] : report.measurements)
    measurements[std::to_string(index)] = to_hex(value);
  claims["measurements"] = std::move(measurements);
  if (const auto driver = report.opaque.find(kOpaqueDriver); driver != report.opaque.end()) {
    std::string text(as_text(driver->second));
    text = text.substr(0, text.find('\0'));
    for (char& c : text)
      if (c < 0x20 || c > 0x7e) c = '?';
    claims["driver_version"] = text;
  }
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
    book.absent("reference_values", "measurement", {"rim"});
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
