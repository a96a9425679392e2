// What a thousand tasks over one broker hold of the machine: threads, descriptors, memory.
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include <fmt/format.h>

#include "bench/bids.h"
#include "bench/kafka_broker.h"
#include "bench/measure.h"
#include "bench/rows.h"
#include "session/session.h"

namespace penstock::bench {
namespace {

constexpr std::int32_t kKafkaTasks = 1000, kPartitionsEach = 100;
constexpr std::uint64_t kKafkaTaskRecords = 100'000;

std::size_t entries_of(const char* folder) {
  std::error_code ignored;
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder, ignored), {}));
}

session::SessionOptions queries_over(std::string_view topic) {
  session::SessionOptions options;
  options.catalogue = session::SessionOptions::CatalogueFrom::measured;
  std::string text = fmt::format(
      "CREATE STREAM bid (`auction` BIGINT, `dateTime` BIGINT) WITH (KAFKA_TOPIC='{}', "
      "VALUE_FORMAT='JSON');",
      topic);
  for (std::int32_t query = 0; query < kKafkaTasks / kPartitionsEach; ++query)
    text += fmt::format(
        "CREATE STREAM out_{1} WITH (KAFKA_TOPIC='{0}_out_{1}', VALUE_FORMAT='JSON', "
        "PARTITIONS=1) AS SELECT `auction`, `dateTime` FROM bid;",
        topic, query);
  options.scripts.push_back({.name = "benchmark", .text = std::move(text)});
  return options;
}

Result<Measurement> run_kafka_tasks(const Settings& settings, int round) {
  KafkaBroker* broker = TRY(KafkaBroker::get(settings));
  topics::KafkaOptions options = broker->options();
  options.service_id = fmt::format("tasks-{}-{}", getpid(), round);
  const std::string topic = options.service_id;
  reset_peak_memory();
  const double before = process_cpu_seconds();
  const auto started = std::chrono::steady_clock::now();
  auto log = TRY(topics::open_kafka_log(std::move(options)));
  TRY(log->create({.name = TRY(topics::TopicName::parse(topic)), .partitions = kPartitionsEach}));
  auto session = TRY(session::open_session(*log, nullptr, queries_over(topic)));
  TRY(session->drain());
  const std::chrono::duration<double> opened = std::chrono::steady_clock::now() - started;
  const double opening = process_cpu_seconds() - before;
  const std::uint64_t records = std::min<std::uint64_t>(settings.records, kKafkaTaskRecords);
  const double busy = process_cpu_seconds();
  TRY(fill_topic(*log, topic, false, records));
  TRY(session->drain());
  Measurement seen{.records = records * (kKafkaTasks / kPartitionsEach),
                   .cpu_seconds = process_cpu_seconds() - busy};
  constexpr double kMiB = 1 << 20;
  seen.note = fmt::format(
      "{} tasks: {} threads, {} descriptors, {:.0f} MiB; opened in {:.1f} s "
      "with {:.1f} s of CPU",
      kKafkaTasks, entries_of("/proc/self/task"), entries_of("/proc/self/fd"),
      static_cast<double>(peak_memory_bytes()) / kMiB, opened.count(), opening);
  session->close();
  return seen;
}

}  // namespace

std::vector<Row> kafka_scale_rows() {
  return {{.name = "kafka_tasks",
           .share_of = {},
           .what = "1,000 tasks of ten queries over one broker",
           .run = run_kafka_tasks,
           .on_request = true}};
}

}  // namespace penstock::bench
