// A certificate path by itself, by RFC 5280 with CRLs.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "attest/evidence.h"
#include "attest/rule_book.h"
#include "crypto/path.h"

namespace penstock::attest {
namespace {

std::vector<crypto::PkixCertificate> all_of(RuleBook& book, const EvidenceFiles& evidence,
                                            std::string_view role) {
  std::vector<crypto::PkixCertificate> out;
  if (const auto found = evidence.files.find(role); found != evidence.files.end())
    for (const ByteBuffer& file : found->second)
      if (auto read = book.read(role, crypto::read_certificates(file)))
        std::ranges::move(*read, std::back_inserter(out));
  return out;
}

void tell_faults(RuleBook& book, const std::vector<crypto::ChainFault>& faults) {
  std::vector<std::string> told;
  for (const crypto::ChainFault& fault : faults) {
    if (std::ranges::find(told, fault.code) != told.end()) continue;
    told.push_back(fault.code);
    book.check(false, {.name = "path_" + fault.code,
                       .code = fault.code,
                       .expected = "a path by RFC 5280 to a trusted root",
                       .seen = fault.text,
                       .advice = "the certificate is not to be trusted"});
  }
}

}  // namespace

Appraisal appraise_path(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  auto leaf = all_of(book, evidence, "leaf");
  if (leaf.empty()) leaf = all_of(book, evidence, "evidence");
  if (leaf.empty()) {
    if (out.rules.empty()) book.absent("leaf", "parse", {"leaf"});
    return out;
  }
  std::vector<crypto::PkixCertificate> intermediates = all_of(book, evidence, "intermediates");
  for (const std::string_view role : {"cert_chain", "pck_chain", "ak_chain"})
    std::ranges::move(all_of(book, evidence, role), std::back_inserter(intermediates));
  std::vector<crypto::Crl> crls;
  if (const auto found = evidence.files.find("crl"); found != evidence.files.end())
    for (const ByteBuffer& file : found->second)
      if (auto crl = book.read("CRL", crypto::Crl::read(file))) crls.push_back(std::move(*crl));
  // Certificates with the keys that are trusted.
  std::vector<crypto::PkixCertificate> anchors = context.anchors.replaced_certificates;
  for (const Pki pki : {Pki::intel, Pki::amd_milan, Pki::amd_genoa, Pki::amd_turin, Pki::aws_nitro,
                        Pki::nvidia, Pki::nvidia_rim, Pki::tpm}) {
    if (context.anchors.replaced) break;
    for (const crypto::Anchor& anchor : context.anchors.of(pki))
      for (const crypto::PkixCertificate& each : intermediates)
        if (each.key() && each.key()->id() == anchor.id) anchors.push_back(each);
  }
  const bool with_crls = evidence.file("crl") != nullptr;
  const auto faults = crypto::check_path({.leaf = leaf.front(),
                                          .intermediates = intermediates,
                                          .anchors = anchors,
                                          .crls = crls,
                                          .check_crls = with_crls,
                                          .check_times = !context.expected.any_time,
                                          .now_s = book.now_s()});
  if (faults.empty())
    book.check(true, {.name = "path",
                      .code = "chain",
                      .expected = "a path by RFC 5280 to a trusted root",
                      .seen = leaf.front().subject_text(),
                      .advice = ""});
  tell_faults(book, faults);
  if (!with_crls) book.absent("path_revocation", "no-crl", {"crl"});
  out.claims["subject"] = leaf.front().subject_text();
  out.claims["issuer"] = leaf.front().issuer_text();
  return out;
}

}  // namespace penstock::attest
