// Event logs by themselves: what they replay to. Nothing signs them.
#include <algorithm>

#include <fmt/format.h>

#include "attest/event_log.h"
#include "attest/evidence.h"

namespace penstock::attest {
namespace {

void well_formed(RuleBook& book, const EventLog& log) {
  book.check(true, {.name = "event_log",
                    .code = "event-log",
                    .expected = "a log whose events can be read to its end",
                    .seen = fmt::format("{} events", log.events.size()),
                    .advice = ""});
}

std::string dashed(crypto::Hash hash) {
  std::string name(crypto::to_text(hash));  // "sha384" -> "SHA-384"
  return fmt::format("SHA-{}", name.substr(3));
}

std::optional<EventLog> read_log(RuleBook& book, const EvidenceFiles& evidence) {
  const ByteBuffer* file = evidence.file("event_log");
  if (file == nullptr) file = evidence.file("evidence");
  if (file == nullptr) {
    book.absent("event_log", "parse", {"event_log"});
    return std::nullopt;
  }
  return book.read("event log", parse_event_log(*file));
}

void algorithm_claims(Claims& claims, const EventLog& log) {
  Json algorithms = Json::array();
  for (const crypto::Hash hash : log.algorithms) algorithms.push_back(crypto::to_text(hash));
  claims["algorithms"] = std::move(algorithms);
  claims["crypto_agile"] = log.crypto_agile;
}

}  // namespace

Appraisal appraise_tcg_log(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  const auto log = read_log(book, evidence);
  if (!log) return out;
  well_formed(book, *log);
  algorithm_claims(out.claims, *log);
  out.claims["events"] = log->events.size();
  Json pcrs = Json::object();
  for (const crypto::Hash hash : log->algorithms) {
    Json& bank = pcrs[std::string(crypto::to_text(hash))] = Json::object();
    for (const auto& [index, value] : replay(*log, hash))
      bank[std::to_string(index)] = to_hex(value);
  }
  out.claims["pcrs"] = std::move(pcrs);
  check_log_structure(book, *log, LogKind::tpm);
  return out;
}

Appraisal appraise_ccel(const EvidenceFiles& evidence, const JudgeContext& context) {
  Appraisal out;
  RuleBook book(out, context);
  if (const ByteBuffer* table = evidence.file("ccel_table"))
    if (const auto checked = check_ccel_table(*table); !checked)
      book.unreadable("CCEL table", checked.error());
  const auto log = read_log(book, evidence);
  if (!log) return out;
  well_formed(book, *log);
  algorithm_claims(out.claims, *log);
  Json events = Json::array();
  for (const LogEvent& event : log->events) {
    Json digests = Json::array();
    for (const auto& [hash, bytes] : event.digests())
      digests.push_back({{"alg", dashed(hash)}, {"digest", to_hex(bytes)}});
    events.push_back({{"index", event.index},
                      {"type_name", event_type_name(event.type)},
                      {"digests", std::move(digests)}});
  }
  out.claims["events"] = std::move(events);
  if (const auto registers = replay_rtmrs(*log))
    out.claims["rtmr_replayed"] = rtmr_json(*registers);
  check_log_structure(book, *log, LogKind::ccel);
  return out;
}

}  // namespace penstock::attest
