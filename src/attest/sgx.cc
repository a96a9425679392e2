// Intel SGX enclaves: DCAP quotes of version 3, and 4 and 5 with an SGX body.
#include <fmt/format.h>

#include "attest/dcap.h"

namespace penstock::attest {

void sgx_body_claims(Claims& claims, const SgxBody& body) {
  claims["cpusvn"] = to_hex(body.cpusvn());
  claims["miscselect"] = to_hex(body.miscselect());
  claims["attributes"] = to_hex(body.attributes());
  claims["mrenclave"] = to_hex(body.mrenclave());
  claims["mrsigner"] = to_hex(body.mrsigner());
  claims["isvprodid"] = body.isvprodid();
  claims["isvsvn"] = body.isvsvn();
  claims["configid"] = to_hex(body.configid());
  claims["report_data"] = to_hex(body.report_data());
  claims["debug"] = body.debug();
  claims["measurement"] = to_hex(body.mrenclave());
  claims["signer"] = to_hex(body.mrsigner());
  claims["svn"] = body.isvsvn();
}

void check_sgx_workload(RuleBook& book, const SgxBody& body) {
  if (!book.judging()) return;
  book.debug(body.debug());
  constexpr std::uint64_t kInit = 1, kMode64 = 4, kProvisionKey = 16, kTokenKey = 32;
  const std::uint64_t flags = body.flags();
  const bool good =
      (flags & kInit) != 0 && (flags & kMode64) != 0 && (flags & (kProvisionKey | kTokenKey)) == 0;
  book.check(good, {.name = "attributes",
                    .code = "policy",
                    .expected = "INIT and MODE64 set, PROVISION_KEY and EINITTOKEN_KEY clear",
                    .seen = fmt::format("{:#x}", flags),
                    .advice = "this is no enclave for workloads"});
}

Appraisal appraise_sgx(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  out.trust = Trust::hardware;
  const auto quote = read_dcap_quote(book, evidence, "evidence");
  if (!quote) return out;
  out.claims = dcap_claims(*quote);
  if (!book.check(!quote->tdx, {.name = "tee",
                                .code = "parse",
                                .expected = "a quote of an SGX enclave",
                                .seen = quote->tdx ? "of a TD" : "of an SGX enclave",
                                .advice = "ask for it as what it is"}))
    return out;
  sgx_body_claims(out.claims, quote->sgx());
  check_dcap_quote(book, *quote, evidence);
  check_sgx_workload(book, quote->sgx());
  book.report_data(quote->sgx().report_data());
  book.config(quote->sgx().configid());
  return out;
}

}  // namespace penstock::attest
