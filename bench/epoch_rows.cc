// Very many epochs: what a start costs that finds 100,000 of them, each seen in one of 64
// partitions.
#include <chrono>
#include <memory>

#include <fmt/format.h>

#include "bench/measure.h"
#include "bench/rows.h"
#include "engine/test_grants.h"
#include "session/session.h"
#include "topics/embedded_log.h"

namespace penstock::bench {
namespace {

constexpr std::string_view kEpochsTopic = "epochs";
constexpr std::uint64_t kEpochs = 100'000;
constexpr std::int32_t kEpochPartitions = 64;
constexpr double kMiB = 1 << 20;

std::string epochs_script(int round) {
  return fmt::format(
      "CREATE STREAM s (N BIGINT) WITH (KAFKA_TOPIC='{0}', VALUE_FORMAT='JSON', SEAL='psr1', "
      "KEY_POLICY='epochs-v1');"
      "CREATE STREAM out_{1} WITH (KAFKA_TOPIC='epochs_out_{1}', VALUE_FORMAT='JSON', "
      "PARTITIONS={2}) AS SELECT N FROM s;",
      kEpochsTopic, round, kEpochPartitions);
}

// The start is what is measured; the note says what verifying all grants took after it.
Result<Measurement> run_epochs(const Settings& settings, int round) {
  static const engine::test::GrantOwner owner{std::string(kEpochsTopic), "epochs-v1"};
  topics::EmbeddedOptions options{.folder = settings.folder / "epochs"};
  options.serve = false;
  auto log = TRY(topics::EmbeddedLog::open(std::move(options)));
  if (!log->describe(TRY(topics::TopicName::parse(kEpochsTopic)))) {
    TRY(engine::test::make_epoch_topics(*log, kEpochsTopic, kEpochPartitions));
    TRY(engine::test::append_epochs(*log, owner, kEpochsTopic, kEpochPartitions, 0, kEpochs));
  }

  session::SessionOptions session_options;
  session_options.catalogue = session::SessionOptions::CatalogueFrom::measured;
  session_options.runtime.discard_sinks = true;
  session_options.scripts.push_back({.name = "benchmark", .text = epochs_script(round)});
  reset_peak_memory();
  double memory_before = static_cast<double>(peak_memory_bytes());
  double cpu_before = process_cpu_seconds();
  auto session = TRY(session::open_session(*log, &owner.keys(), std::move(session_options)));
  double start_cpu_s = process_cpu_seconds() - cpu_before;
  double start_memory = static_cast<double>(peak_memory_bytes());
  TRY(session->drain());
  double drain_cpu_s = process_cpu_seconds() - cpu_before - start_cpu_s;
  double memory = static_cast<double>(peak_memory_bytes());
  for (const session::QueryRow& query : session->queries())
    if (query.stats.records_out != kEpochs || query.stats.dead_letters != 0)
      return fail(ErrorCode::internal,
                  fmt::format("{} records came out, {} dead letters", query.stats.records_out,
                              query.stats.dead_letters));
  session->close();
  return Measurement{
      .records = kEpochs,
      .cpu_seconds = start_cpu_s,
      .note = fmt::format("start: {:.2f} s of CPU, peak {:.0f} MiB ({:.0f} before); then reading "
                          "all with their grants: {:.1f} s, peak {:.0f} MiB",
                          start_cpu_s, start_memory / kMiB, memory_before / kMiB, drain_cpu_s,
                          memory / kMiB)};
}

}  // namespace

std::vector<Row> epoch_rows() {
  return {{.name = "epochs",
           .share_of = "",
           .what = "start over 100,000 epochs in 64 partitions",
           .run = run_epochs,
           .on_request = true}};
}

}  // namespace penstock::bench
