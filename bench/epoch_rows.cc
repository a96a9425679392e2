// Very many epochs: what a start costs that finds 100,000 of them, each seen in one of 64
// partitions.
#include <chrono>
#include <memory>

#include <fmt/format.h>

#include "bench/measure.h"
#include "bench/rows.h"
#include "engine/state_key.h"
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

Result<std::unique_ptr<session::Session>> open_epochs(topics::Log& log, const seal::KeySource& keys,
                                                      int round) {
  session::SessionOptions options;
  options.catalogue = session::SessionOptions::CatalogueFrom::measured;
  options.runtime.discard_sinks = true;
  options.scripts.push_back({.name = "benchmark", .text = epochs_script(round)});
  return session::open_session(log, &keys, std::move(options));
}

// What is measured is the start of a query that has read everything before; the note says what that
// took, each epoch's grant verified and its only record opened.
Result<Measurement> run_epochs(const Settings& settings, int round) {
  static const engine::test::GrantOwner owner{std::string(kEpochsTopic), "epochs-v1"};
  topics::EmbeddedOptions options;
  options.folder = settings.folder / "epochs";
  options.identity = {"bench", engine::public_state_key()};
  options.serve = false;
  auto log = TRY(topics::EmbeddedLog::open(std::move(options)));
  if (!log->describe(TRY(topics::TopicName::parse(kEpochsTopic)))) {
    TRY(engine::test::make_epoch_topics(*log, kEpochsTopic, kEpochPartitions));
    TRY(engine::test::append_epochs(*log, owner, kEpochsTopic, kEpochPartitions, 0, kEpochs));
  }

  reset_peak_memory();
  double reading_cpu_s = -process_cpu_seconds();
  auto session = TRY(open_epochs(*log, owner.keys(), round));
  TRY(session->drain());
  reading_cpu_s += process_cpu_seconds();
  double reading_memory = static_cast<double>(peak_memory_bytes());
  for (const session::QueryRow& query : session->queries())
    if (query.stats.records_out != kEpochs || query.stats.dead_letters != 0)
      return fail(ErrorCode::internal,
                  fmt::format("{} records came out, {} dead letters", query.stats.records_out,
                              query.stats.dead_letters));
  session->close();
  session.reset();

  reset_peak_memory();
  double start_cpu_s = -process_cpu_seconds();
  session = TRY(open_epochs(*log, owner.keys(), round));
  TRY(session->drain());
  start_cpu_s += process_cpu_seconds();
  double start_memory = static_cast<double>(peak_memory_bytes());
  for (const session::QueryRow& query : session->queries())
    if (query.stats.records_in != 0)
      return fail(ErrorCode::internal, "the second start read records again");
  session->close();
  return Measurement{
      .records = kEpochs,
      .cpu_seconds = start_cpu_s,
      .note = fmt::format("start: {:.2f} s of CPU, peak {:.0f} MiB; reading all, with their "
                          "grants: {:.1f} s, peak {:.0f} MiB",
                          start_cpu_s, start_memory / kMiB, reading_cpu_s, reading_memory / kMiB)};
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
