// What many tasks cost that have nothing to do.
#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

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

constexpr std::int32_t kDiskPartitions = 64;
constexpr int kDiskRounds = 30;

// Commits per second under Durability::disk, each of a task of its own, begun by one thread as a
// worker does it. What the columns call CPU is time here: who waits for a disk uses none.
Result<Measurement> run_on_disk(const Settings& settings, std::int32_t tasks, int round) {
  topics::EmbeddedOptions options;
  const auto folder = settings.folder / fmt::format("disk_{}_{}", tasks, round);
  options.folder = folder;
  options.durability = topics::Durability::disk;
  options.serve = false;
  options.identity = {"bench", engine::public_state_key()};
  auto log = TRY(topics::EmbeddedLog::open(std::move(options)));
  const auto topic = TRY(topics::TopicName::parse("on_disk"));
  TRY(log->create({.name = topic, .partitions = tasks}));
  topics::RecordBatch batch;
  batch.append({.key = std::nullopt, .value = as_bytes("a record")});
  std::vector<std::unique_ptr<topics::Writer>> writers;
  std::vector<topics::TaskId> ids;
  for (std::int32_t p = 0; p < tasks; ++p) {
    ids.emplace_back(fmt::format("Q.0/{}", p));
    writers.push_back(TRY(log->writer(topics::WriterId(fmt::format("Q.0.{}", p)))));
    TRY(writers.back()->restore(ids.back(), [](ByteView, ByteView) {}));
  }
  const auto started = std::chrono::steady_clock::now();
  for (int i = 1; i <= kDiskRounds; ++i) {
    std::vector<std::unique_ptr<topics::Commit>> commits;
    for (std::int32_t p = 0; p < tasks; ++p) {
      const auto at = static_cast<std::size_t>(p);
      commits.push_back(TRY(writers[at]->begin()));
      TRY(commits.back()->append({topic, p}, batch));
      commits.back()->advance(ids[at], {topic, p}, topics::LogPosition{i});
      commits.back()->start();
    }
    for (const auto& commit : commits)
      if (auto done = commit->finish(); done.error) return fail(*done.error);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  writers.clear();
  log.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  const auto done = static_cast<std::uint64_t>(tasks) * kDiskRounds;
  return Measurement{.records = done,
                     .cpu_seconds = took.count(),
                     .note = fmt::format("{:.0f} commits per second: time, not CPU",
                                         static_cast<double>(done) / took.count())};
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
          row("idle_tasks", "one_task", "the same task beside 999 idle ones", kTasks),
          {"disk_one", "", "commits of one task that wait for the disk",
           [](const Settings& s, int round) { return run_on_disk(s, 1, round); }},
          {"disk_partitions", "disk_one", "commits of 64 tasks of one thread, likewise",
           [](const Settings& s, int round) { return run_on_disk(s, kDiskPartitions, round); }}};
}

}  // namespace penstock::bench
