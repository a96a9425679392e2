#include "bench/engine_case.h"

#include <fmt/format.h>

#include "bench/bids.h"
#include "bench/measure.h"
#include "engine/state_key.h"
#include "session/session.h"
#include "topics/embedded_log.h"
#include "topics/own_headers.h"

namespace penstock::bench {
namespace {

// `channel` is a text.
constexpr std::string_view kWrongColumns = "`auction` BIGINT, `channel` BIGINT";
constexpr std::string_view kBidColumns =
    "`auction` BIGINT, `bidder` BIGINT, `price` BIGINT, `channel` STRING, `url` STRING, "
    "`dateTime` BIGINT, `extra` STRING";

std::string script_of(const Case& what, std::string_view sink) {
  std::string seal = fmt::format(", SEAL='psr1', KEY_POLICY='{}'", kPolicy);
  return fmt::format(
      "CREATE STREAM bid ({}) WITH (KAFKA_TOPIC='{}', VALUE_FORMAT='JSON'{});"
      "CREATE STREAM {} WITH (KAFKA_TOPIC='{}', VALUE_FORMAT='JSON', PARTITIONS=1{}) AS {};",
      what.poisoned ? kWrongColumns : kBidColumns, what.input, what.sealed_input ? seal : "", sink,
      sink, what.sealed_output ? seal : "", what.select);
}

Result<> remove_dead_letters(topics::Log& log) {
  for (const topics::TopicName& topic : TRY(log.list()))
    if (topic.text().ends_with(topics::kDeadLettersSuffix)) TRY(log.remove(topic));
  return {};
}

}  // namespace

Result<Measurement> run_case(topics::Log& log, std::string_view name, const Case& what,
                             const Settings& settings, int round) {
  const seal::KeyRing* keys = TRY(bench_keys());
  session::SessionOptions options;
  options.catalogue = session::SessionOptions::CatalogueFrom::measured;
  options.runtime.discard_sinks = what.discard;
  options.runtime.commit = what.commit;
  std::string script = script_of(what, fmt::format("{}_{}", name, round));
  options.scripts.push_back({.name = "benchmark", .text = std::move(script)});
  double started = process_cpu_seconds();
  auto session = TRY(session::open_session(log, keys, std::move(options)));
  TRY(session->drain());
  Measurement seen{.cpu_seconds = process_cpu_seconds() - started};
  for (const session::QueryRow& query : session->queries()) {
    seen.records += query.stats.records_in;
    seen.note = fmt::format("{} commits", query.stats.commits);
    const std::uint64_t dead = what.poisoned ? settings.records : 0;
    const bool none = what.poisoned || what.passes_none;
    if ((query.stats.records_out == 0) != none || query.stats.dead_letters != dead)
      return fail(ErrorCode::internal,
                  fmt::format("{} records came out, {} dead letters", query.stats.records_out,
                              query.stats.dead_letters));
  }
  if (seen.records != settings.records)
    return fail(ErrorCode::internal,
                fmt::format("{} of {} records were read", seen.records, settings.records));
  session->close();
  return seen;
}

Result<Measurement> run_embedded(std::string_view name, const Case& what, const Settings& settings,
                                 int round) {
  topics::EmbeddedOptions options;
  options.folder = settings.folder / "log";
  options.serve = false;
  options.identity = {"bench", engine::public_state_key()};
  auto log = TRY(topics::EmbeddedLog::open(std::move(options)));
  TRY(load_topic(*log, what.input, what.sealed_input, settings.records, what.extra));
  Measurement seen = TRY(run_case(*log, name, what, settings, round));
  seen.note.clear();
  TRY(log->remove(TRY(topics::TopicName::parse(fmt::format("{}_{}", name, round)))));  // disk space
  if (what.poisoned) TRY(remove_dead_letters(*log));
  return seen;
}

}  // namespace penstock::bench
