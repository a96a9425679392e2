// What many tasks cost that have nothing to do.
#include <algorithm>

#include <fmt/format.h>

#include "bench/bids.h"
#include "bench/measure.h"
#include "bench/rows.h"
#include "engine/state_key.h"
#include "session/session.h"
#include "topics/embedded_log.h"

namespace penstock::bench {
namespace {

constexpr std::int32_t kTasks = 1000;

session::SessionOptions one_query_over(std::string_view topic) {
  session::SessionOptions options;
  options.catalogue = session::SessionOptions::CatalogueFrom::measured;
  options.runtime.discard_sinks = true;
  options.scripts.push_back(
      {.name = "benchmark",
       .text = fmt::format("CREATE STREAM bid (`auction` BIGINT, `dateTime` BIGINT) WITH "
                           "(KAFKA_TOPIC='{0}', VALUE_FORMAT='JSON');"
                           "CREATE STREAM {0}_out WITH (KAFKA_TOPIC='{0}_out', "
                           "VALUE_FORMAT='JSON', PARTITIONS=1) AS SELECT `auction`, `dateTime` "
                           "FROM bid;",
                           topic)});
  return options;
}

// The tasks are built and idle; then partition 0 has records for one of them.
Result<Measurement> run_one_busy(const Settings& settings, std::int32_t tasks, int round) {
  topics::EmbeddedOptions options;
  const auto folder = settings.folder / fmt::format("idle_{}_{}", tasks, round);
  options.folder = folder;
  options.serve = false;
  options.identity = {"bench", engine::public_state_key()};
  auto log = TRY(topics::EmbeddedLog::open(std::move(options)));
  constexpr std::string_view kTopic = "mostly_idle";
  TRY(log->create({.name = TRY(topics::TopicName::parse(kTopic)), .partitions = tasks}));
  auto session = TRY(session::open_session(*log, nullptr, one_query_over(kTopic)));
  TRY(session->drain());
  const std::uint64_t records = std::min<std::uint64_t>(settings.records, 300'000);
  // Writing costs the same beside one task and beside many, so it may count.
  Measurement seen{.records = records, .cpu_seconds = -process_cpu_seconds()};
  TRY(fill_topic(*log, kTopic, false, records));
  TRY(session->drain());
  seen.cpu_seconds += process_cpu_seconds();
  std::uint64_t read = 0;
  for (const session::QueryRow& query : session->queries()) read += query.stats.records_in;
  session->close();
  session.reset();
  log.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  if (read != records)
    return fail(ErrorCode::internal, fmt::format("{} of {} records were read", read, records));
  return seen;
}

Row row(std::string_view name, std::string_view share_of, std::string_view what,
        std::int32_t tasks) {
  return {name, share_of, what, [tasks](const Settings& settings, int round) {
            return run_one_busy(settings, tasks, round);
          }};
}

}  // namespace

std::vector<Row> scale_rows() {
  return {row("one_task", "", "a worker with one task", 1),
          row("idle_tasks", "one_task", "the same task beside 999 idle ones", kTasks)};
}

}  // namespace penstock::bench
