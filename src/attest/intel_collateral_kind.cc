// Intel's collateral by itself: is it well-formed, who signed it, does it hold.
#include <fmt/format.h>

#include "attest/intel_pki.h"

namespace penstock::attest {

Appraisal appraise_intel_collateral(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  const IntelFiles files = read_intel_files(book, evidence, false, "");
  if (!files.has_tcb_info && !files.has_qe_identity) {
    book.absent("collateral", "parse", {"tcb_info", "qe_identity"});
    return out;
  }
  const auto say = [&](const char* name, const SignedCollateral& document) {
    book.check(true, {.name = name,
                      .code = "parse",
                      .expected = "a well-formed document",
                      .seen = fmt::format("{} version {}", document.id, document.version),
                      .advice = ""});
    out.claims["tcb_evaluation_data_number"] = document.evaluation_number;
    out.claims[fmt::format("{}_window", name)] = {rfc3339(document.issued_s),
                                                  rfc3339(document.next_update_s)};
  };
  if (files.tcb_info) {
    say("tcb_info", files.tcb_info->document);
    out.claims["fmspc"] = files.tcb_info->fmspc;
  }
  if (files.qe_identity) say("qe_identity", files.qe_identity->document);
  if (book.ask() == Ask::parse || book.ask() == Ask::measure) return out;
  const auto signing = check_signing_chain(book, files);
  if (files.tcb_info) check_document(book, "tcb_info", files.tcb_info->document, signing.get());
  if (files.qe_identity)
    check_document(book, "qe_identity", files.qe_identity->document, signing.get());
  return out;
}

}  // namespace penstock::attest
