// Intel TDX: quotes of version 4 and 5, TD reports 1.0 and 1.5, and the CC event log where one
// comes.
#include <algorithm>

#include <fmt/format.h>

#include "attest/dcap.h"
#include "attest/dstack_log.h"
#include "attest/event_log.h"

namespace penstock::attest {
namespace {

// Bits of XFAM that a TD may have at all.
constexpr std::uint64_t kXfamKnown = 0x6dbe7;

void check_td_log(RuleBook& book, const TdBody& body, const EvidenceFiles& evidence) {
  if (const ByteBuffer* table = evidence.file("ccel_table"))
    if (const auto checked = check_ccel_table(*table); !checked)
      book.unreadable("CCEL table", checked.error());
  const ByteBuffer* file = evidence.file("event_log");
  if (file == nullptr) return;
  const auto log = book.read("event log", parse_event_log(*file));
  if (!log) return;
  check_log_structure(book, *log, LogKind::ccel);
  const auto registers = replay_rtmrs(*log);
  bool same = registers.has_value();
  std::string seen;
  for (std::size_t i = 0; i < 4 && registers; ++i)
    if (!std::ranges::equal((*registers)[i], body.rtmr(i))) {
      same = false;
      seen += fmt::format("{}RTMR{} {}", seen.empty() ? "" : ", ", i, to_hex((*registers)[i]));
    }
  book.check(same, {.name = "event_log_replay",
                    .code = "event-log",
                    .expected = "a log that gives the quote's RTMR0 to RTMR3",
                    .seen = same        ? "it does"
                            : registers ? seen
                                        : "no SHA-384 digests",
                    .advice = "events were added, removed or changed: the log is not this TD's"});
  if (registers) book.claims()["rtmr_replayed"] = rtmr_json(*registers);
}

// Only registers that the log speaks of can be compared: some logs hold RTMR3 alone.
void check_dstack_log(RuleBook& book, const TdBody& body, const EvidenceFiles& evidence) {
  const ByteBuffer* file = evidence.file("dstack_event_log");
  if (file == nullptr) return;
  const auto registers = book.read("dstack event log", replay_dstack_log(*file));
  if (!registers) return;
  std::string wrong;
  for (std::size_t i = 0; i < 4; ++i) {
    const bool spoken = !all_zero((*registers)[i]) || i == 3;
    if (spoken && !std::ranges::equal((*registers)[i], body.rtmr(i)))
      wrong += fmt::format("{}RTMR{} {}", wrong.empty() ? "" : ", ", i, to_hex((*registers)[i]));
  }
  book.check(wrong.empty(), {.name = "dstack_log_replay",
                             .code = "event-log",
                             .expected = "a log that gives the quote's registers",
                             .seen = wrong.empty() ? "it does" : wrong,
                             .advice = "events were added, removed or changed"});
  book.claims()["rtmr_replayed"] = rtmr_json(*registers);
}

}  // namespace

void td_body_claims(Claims& claims, const TdBody& body) {
  const auto bit = [&](int at) { return (read_le(body.tdattributes(), 0, 8) >> at & 1) != 0; };
  claims["tee_tcb_svn"] = to_hex(body.tee_tcb_svn());
  claims["mrseam"] = to_hex(body.mrseam());
  claims["mrsignerseam"] = to_hex(body.mrsignerseam());
  claims["seamattributes"] = to_hex(body.seamattributes());
  claims["tdattributes"] = to_hex(body.tdattributes());
  claims["xfam"] = to_hex(body.xfam());
  claims["mrtd"] = to_hex(body.mrtd());
  claims["mrconfigid"] = to_hex(body.mrconfigid());
  claims["mrowner"] = to_hex(body.mrowner());
  claims["mrownerconfig"] = to_hex(body.mrownerconfig());
  Json rtmr = Json::array();
  for (std::size_t i = 0; i < 4; ++i) {
    rtmr.push_back(to_hex(body.rtmr(i)));
    claims[fmt::format("rtmr{}", i)] = to_hex(body.rtmr(i));
  }
  claims["rtmr"] = std::move(rtmr);
  claims["report_data"] = to_hex(body.report_data());
  claims["debug"] = bit(0);
  claims["sept_ve_disable"] = bit(28);
  claims["migratable"] = bit(29);
  claims["perfmon"] = bit(63);
  claims["measurement"] = to_hex(body.mrtd());
  if (body.is_15()) {
    claims["tee_tcb_svn2"] = to_hex(body.tee_tcb_svn2());
    claims["mrservicetd"] = to_hex(body.mrservicetd());
  }
}

void check_td_workload(RuleBook& book, const TdBody& body) {
  if (!book.judging()) return;
  const std::uint64_t attributes = read_le(body.tdattributes(), 0, 8);
  book.debug((attributes & 0xff) != 0);  // bits 1 to 7 are kept for what is under debug too
  const std::uint64_t xfam = read_le(body.xfam(), 0, 8);
  const bool good = (xfam & 3) == 3 && (xfam & ~kXfamKnown) == 0;
  book.check(good, {.name = "xfam",
                    .code = "policy",
                    .expected = fmt::format("bits 0 and 1, and none but {:#x}", kXfamKnown),
                    .seen = fmt::format("{:#x}", xfam),
                    .advice = "a TD cannot have these features"});
}

Appraisal appraise_tdx(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  out.trust = Trust::hardware;
  const auto quote = read_dcap_quote(book, evidence, "evidence");
  if (!quote) return out;
  out.claims = dcap_claims(*quote);
  if (!book.check(quote->tdx, {.name = "tee",
                               .code = "parse",
                               .expected = "a quote of a TD",
                               .seen = quote->tdx ? "of a TD" : "of an SGX enclave",
                               .advice = "ask for it as what it is"}))
    return out;
  td_body_claims(out.claims, quote->td());
  check_dcap_quote(book, *quote, evidence);
  check_td_workload(book, quote->td());
  check_td_log(book, quote->td(), evidence);
  check_dstack_log(book, quote->td(), evidence);
  book.report_data(quote->td().report_data());
  book.config(quote->td().mrconfigid());
  return out;
}

}  // namespace penstock::attest
