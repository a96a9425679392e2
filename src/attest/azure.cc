// Azure's confidential VMs: a vTPM whose attestation key stands in the paravisor's runtime data,
// which the SNP report or TD quote of the machine is bound to.
#include <algorithm>

#include <fmt/format.h>

#include "attest/azure_hcl.h"
#include "attest/dcap.h"
#include "attest/snp.h"
#include "attest/tpm.h"

namespace penstock::attest {
namespace {

void check_runtime_binding(RuleBook& book, const HclReport& hcl, ByteView report_data) {
  const crypto::Sha256Digest digest = crypto::sha256(hcl.runtime_data);
  ByteBuffer expected(digest.begin(), digest.end());
  expected.resize(64);
  const bool good = equal_constant_time(report_data, expected);
  book.check(good, {.name = "runtime_data",
                    .code = "binding",
                    .expected = to_hex(expected),
                    .seen = to_hex(report_data),
                    .advice = "the hardware did not vouch for this vTPM's key"});
  book.claims()["report_data_is_sha256_runtime_json"] = good;
}

void check_snp_machine(RuleBook& book, const HclReport& hcl, const EvidenceFiles& evidence) {
  const auto report = book.read("SNP report", parse_snp_report(hcl.hardware_report));
  if (!report) return;
  Claims own = snp_claims(*report);
  const Claims outer = book.claims();
  check_snp_report(book, *report, evidence);
  // What the report's rules said belongs to the report.
  for (const auto& [name, value] : book.claims().items())
    if (!outer.contains(name) || outer.at(name) != value) own[name] = value;
  book.claims() = outer;
  for (const char* name : {"measurement", "debug", "platform", "svn"})
    book.claims()[name] = own[name];
  check_runtime_binding(book, hcl, report->report_data());
  book.claims()["snp_report"] = std::move(own);
}

void check_td_machine(RuleBook& book, const HclReport& hcl, const EvidenceFiles& evidence) {
  check_runtime_binding(book, hcl, hcl.tdreport_data());
  const auto quote = read_dcap_quote(book, evidence, "td_quote");
  if (!quote) return;
  book.check(quote->tdx, {.name = "tee",
                          .code = "parse",
                          .expected = "a quote of a TD",
                          .seen = quote->tdx ? "of a TD" : "of an SGX enclave",
                          .advice = "ask the machine for its TD quote"});
  if (!quote->tdx) return;
  const Claims outer = book.claims();
  book.claims() = dcap_claims(*quote);
  td_body_claims(book.claims(), quote->td());
  check_dcap_quote(book, *quote, evidence);
  Claims own = book.claims();
  book.claims() = outer;
  check_td_workload(book, quote->td());
  for (const char* name : {"measurement", "debug", "platform", "tcb_status", "advisory_ids"})
    if (own.contains(name)) book.claims()[name] = own[name];
  const bool same = equal_constant_time(quote->td().report_data(), hcl.tdreport_data());
  book.check(same, {.name = "td_report",
                    .code = "binding",
                    .expected = to_hex(hcl.tdreport_data()),
                    .seen = to_hex(quote->td().report_data()),
                    .advice = "the quote is of another TD than the paravisor's report"});
  book.claims()["tdreport_report_data_equals_quote"] = same;
  book.claims()["td_quote"] = std::move(own);
}

}  // namespace

Appraisal appraise_azure(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  out.trust = Trust::hardware;
  const ByteBuffer* file = evidence.file("hcl_report");
  if (file == nullptr) {
    book.absent("hcl_report", "parse", {"hcl_report"});
    return out;
  }
  const auto hcl = book.read("HCL report", parse_hcl_report(*file));
  if (!hcl) return out;
  out.claims["hcl_signature"] = "HCLA";
  out.claims["hcl_request"] = {hcl->data_size, hcl->version, hcl->report_type, hcl->hash_type,
                               hcl->runtime_data.size()};
  if (const ByteBuffer* json = evidence.file("runtime_json"))
    book.check(*json == hcl->runtime_data,
               {.name = "runtime_json",
                .code = "binding",
                .expected = "the runtime data inside the HCL report",
                .seen = "other bytes",
                .advice = "send the runtime data as the paravisor wrote it"});
  if (hcl->report_type == kHclSnp)
    check_snp_machine(book, *hcl, evidence);
  else
    check_td_machine(book, *hcl, evidence);
  // The paravisor makes the key and names it: no public area has to say what it may do.
  if (const auto ak = book.read("attestation key", hcl->attestation_key()))
    check_tpm_quote(book, evidence, *ak);
  return out;
}

}  // namespace penstock::attest
