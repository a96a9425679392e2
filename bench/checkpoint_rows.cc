// What checkpoints cost: commits to the embedded log with records and changed state, with and
// without them.
#include <algorithm>
#include <array>
#include <random>

#include <fmt/format.h>

#include "bench/measure.h"
#include "bench/rows.h"
#include "engine/state_key.h"
#include "topics/embedded_log.h"

namespace penstock::bench {
namespace {

constexpr std::size_t kCommitRecords = 1024, kValueBytes = 255, kChangedKeys = 64;
constexpr std::size_t kStateEntries = 20'000, kStateBytes = 32;

topics::RecordBatch batch_of_records() {
  topics::RecordBatch batch;
  std::string value(kValueBytes, 'v');
  for (std::size_t i = 0; i < kCommitRecords; ++i) {
    value.replace(0, 5, fmt::format("{:05}", i));
    batch.append({.key = std::nullopt, .value = as_bytes(value), .timestamp_ms = 1000});
  }
  return batch;
}

Result<> committed(topics::Commit& commit) {
  const topics::CommitResult result = commit.finish();
  if (result.outcome == topics::Outcome::committed) return {};
  return fail(*result.error);
}

// The entries that are there before: what is measured changes some of them.
Result<> fill_state(topics::Writer& writer, const topics::TaskId& task) {
  const std::string value(kStateBytes, 's');
  for (std::size_t i = 0; i < kStateEntries;) {
    auto commit = TRY(writer.begin());
    topics::StateWrites& state = commit->state(task);
    for (const std::size_t end = i + kChangedKeys; i < std::min(end, kStateEntries); ++i)
      state.put(as_bytes(fmt::format("entry {:010}", i)), as_bytes(value));
    TRY(committed(*commit));
  }
  return {};
}

Result<Measurement> run_commits(const Settings& settings, bool with_checkpoints,
                                const std::filesystem::path& folder) {
  topics::EmbeddedOptions options;
  options.folder = folder;
  options.serve = false;
  options.identity = {"bench", engine::public_state_key()};
  options.with_checkpoints = with_checkpoints;
  auto log = TRY(topics::EmbeddedLog::open(std::move(options)));
  const auto to = topics::TopicPartition{TRY(topics::TopicName::parse("out")), 0};
  const auto from = topics::TopicPartition{TRY(topics::TopicName::parse("in")), 0};
  TRY(log->create({.name = to.topic}));
  TRY(log->create({.name = from.topic}));
  auto writer = TRY(log->writer(topics::WriterId("bench")));
  const topics::TaskId task("CSAS_BENCH_1/0");
  TRY(writer->restore(task, [](ByteView, ByteView) {}));
  TRY(fill_state(*writer, task));
  const topics::RecordBatch batch = batch_of_records();
  const std::uint64_t commits = std::max<std::uint64_t>(settings.records / kCommitRecords, 1);
  std::mt19937 random(1);
  std::string key = "entry 0000000000", value(kStateBytes, 's');
  const double started = process_cpu_seconds();
  for (std::uint64_t i = 0; i < commits; ++i) {
    auto commit = TRY(writer->begin());
    TRY(commit->append(to, batch));
    topics::StateWrites& state = commit->state(task);
    for (std::size_t k = 0; k < kChangedKeys; ++k) {
      fmt::format_to(key.data() + 6, "{:010}", random() % kStateEntries);
      fmt::format_to(value.data(), "{:010}", i);
      state.put(as_bytes(key), as_bytes(value));
    }
    commit->advance(task, from, topics::LogPosition{static_cast<topics::Offset>(i + 1)});
    TRY(committed(*commit));
  }
  const double seconds = process_cpu_seconds() - started;
  return Measurement{.records = commits * kCommitRecords,
                     .cpu_seconds = seconds,
                     .note = fmt::format("{:.1f} us of CPU per commit of {} records and {} keys",
                                         seconds / static_cast<double>(commits) * 1e6,
                                         kCommitRecords, kChangedKeys)};
}

Row row(std::string_view name, std::string_view share_of, std::string_view what,
        bool with_checkpoints) {
  return {name, share_of, what, [name, with_checkpoints](const Settings& settings, int round) {
            const auto folder = settings.folder / fmt::format("{}_{}", name, round);
            auto seen = run_commits(settings, with_checkpoints, folder);
            std::error_code ignored;
            std::filesystem::remove_all(folder, ignored);
            return seen;
          }};
}

}  // namespace

std::vector<Row> checkpoint_rows() {
  return {row("without_checkpoint", "", "commits of 1,024 records and 64 keys, unguarded", false),
          row("checkpoint", "without_checkpoint", "the same with checkpoint and root", true)};
}

}  // namespace penstock::bench
