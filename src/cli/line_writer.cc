#include "cli/line_writer.h"

#include <thread>

#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/folder.h"
#include "cli/terminal.h"
#include "crypto/random.h"
#include "seal/grant.h"
#include "topics/limits.h"
#include "topics/log_client.h"
#include "topics/public_identity.h"

namespace penstock::cli {
namespace {

using namespace std::chrono_literals;
using topics::TopicName;

// How long a holder's place is kept for it before we open the folder ourselves.
constexpr auto kHolderGrace = 10s;
constexpr auto kRetryEvery = 20ms;
// Lines are gathered before a commit is begun, so that it is short. If we die in it, nobody takes
// it up: our id is new each time.
constexpr auto kCommitMax = 30s;
constexpr const char* kProduceProgram = "penstock produce";

std::string random_id() {
  std::array<std::uint8_t, 8> bytes{};
  CHECK(crypto::system_random().fill(bytes));
  return "produce-" + to_hex(bytes);
}

topics::TaskId task_of(const std::string& id) {
  return topics::TaskId(id);
}

Slice slice_of(const std::optional<std::string>& key) {
  return key ? Slice::of(as_bytes(*key)) : Slice{};
}

std::optional<ByteView> view_of(const std::optional<std::string>& key) {
  return key ? std::optional(as_bytes(*key)) : std::nullopt;
}

}  // namespace

LineWriter::LineWriter(LineWriterOptions options, const seal::KeySource* keys)
    : options_(std::move(options)), keys_(keys), id_(random_id()) {}

Result<std::unique_ptr<LineWriter>> LineWriter::open(LineWriterOptions options,
                                                     const seal::KeySource* keys) {
  std::unique_ptr<LineWriter> writer(new LineWriter(std::move(options), keys));
  writer->log_ = TRY(writer->options_.place.open(kProduceProgram, kCommitMax));
  TRY(writer->open_topic());
  TRY(writer->open_writer());
  return writer;
}

Result<> LineWriter::open_topic() {
  TopicName name = TRY(TopicName::parse(options_.topic));
  std::optional<topics::TopicInfo> found = TRY(find_topic(*log_, name));
  if (!found) {
    TRY(ensure({.name = name, .partitions = options_.partitions.value_or(1)}));
    found = TRY(log_->describe(name));
  }
  partitions_ = found->spec.partitions;
  if (options_.partitions && *options_.partitions != partitions_)
    return fail(ErrorCode::failed_precondition,
                fmt::format("topic '{}' has {} partitions, not {}; leave --partitions out",
                            options_.topic, partitions_, *options_.partitions));
  batches_.resize(static_cast<std::size_t>(partitions_));
  TopicName grants = TRY(TopicName::parse(seal::grants_topic(options_.topic)));
  if (!options_.policy.empty()) {
    if (!found->rules.keeps_timestamps)
      return fail(ErrorCode::failed_precondition,
                  fmt::format("topic '{}' replaces the records' timestamps by the brokers' time, "
                              "and sealed records are bound to theirs: nobody could open them. Set "
                              "message.timestamp.type=CreateTime on it",
                              options_.topic));
    return ensure({.name = grants, .partitions = 1, .compacted = true});
  }
  return options_.plain ? Result<>() : require_plain_topic(grants);
}

Result<> LineWriter::require_plain_topic(const TopicName& grants) {
  std::optional<topics::TopicInfo> sealed = TRY_IN(
      find_topic(*log_, grants),
      fmt::format("whether the records of topic '{}' are sealed (--plain says that they are not)",
                  options_.topic));
  if (!sealed) return {};
  return fail(ErrorCode::permission_denied,
              fmt::format("topic '{}' holds sealed records: seal these too with --seal POLICY "
                          "--keys FILE, or say --plain if everybody may read them",
                          options_.topic));
}

Result<> LineWriter::ensure(const topics::TopicSpec& spec) {
  Result<> created = log_->create(spec);
  if (!created && created.error().code() != ErrorCode::already_exists) return created;
  return {};
}

Result<> LineWriter::open_writer() {
  writer_ = TRY(log_->writer(topics::WriterId(id_)));
  const topics::Checkpoint found = TRY(writer_->restore(task_of(id_), [](ByteView, ByteView) {}));
  const topics::Position* rows = found.find({TRY(TopicName::parse(options_.topic)), 0});
  rows_in_log_ =
      rows == nullptr ? 0 : static_cast<std::uint64_t>(std::get<topics::LogPosition>(*rows).next);
  if (options_.policy.empty()) return {};
  seal::SealerOptions sealing;
  sealing.topic = options_.topic;
  sealing.policy_id = options_.policy;
  sealer_ = TRY(seal::Sealer::create(std::move(sealing), *keys_, crypto::system_random(),
                                     system_clock().now_ms()));
  return {};
}

Result<> LineWriter::commit(const GatheredLines& lines) {
  while (TRY(try_commit(lines)) == Attempt::log_lost) {
    // Opening the writer again has fenced the lost attempt: it is either in the log now or never.
    TRY(wait_for_log());
    if (rows_in_log_ == written_ + lines.rows.size()) break;
  }
  written_ += lines.rows.size();
  return {};
}

Result<LineWriter::Attempt> LineWriter::try_commit(const GatheredLines& lines) {
  auto lost = [this](const Error& error) {
    if (error.code() != ErrorCode::unavailable) return false;
    lost_because_ = error.text();
    return true;
  };
  Result<std::unique_ptr<topics::Commit>> commit = writer_->begin();
  if (!commit && lost(commit.error())) return Attempt::log_lost;
  if (!commit) return fail(commit.error());
  Result<> filled = fill(**commit, lines);
  if (!filled && lost(filled.error())) return Attempt::log_lost;
  if (!filled) return fail(filled.error());
  topics::CommitResult result = (*commit)->finish();
  if (result.outcome == topics::Outcome::committed) return Attempt::committed;
  if (!result.error) return fail(ErrorCode::internal, "a commit failed without a reason");
  if (result.outcome == topics::Outcome::unknown) {
    lost_because_ = result.error->text();
    return Attempt::log_lost;
  }
  if (lost(*result.error)) return Attempt::log_lost;
  return fail(*result.error);
}

Result<> LineWriter::fill(topics::Commit& commit, const GatheredLines& lines) {
  for (topics::RecordBatch& batch : batches_) batch.clear();
  if (sealer_) {
    TRY(seal_rows(commit, lines));
  } else {
    for (std::size_t i = 0; i < lines.rows.size(); ++i) {
      const GatheredLines::Row& row = lines.rows[i];
      batches_[static_cast<std::size_t>(row.partition)].append({.key = view_of(row.key),
                                                                .value = as_bytes(lines.value(i)),
                                                                .timestamp_ms = row.timestamp_ms});
    }
  }
  TopicName topic = TRY(TopicName::parse(options_.topic));
  for (std::int32_t p = 0; p < partitions_; ++p) {
    const topics::RecordBatch& batch = batches_[static_cast<std::size_t>(p)];
    if (!batch.empty()) TRY(commit.append({topic, p}, batch));
  }
  commit.advance(task_of(id_), {topic, 0},
                 topics::LogPosition{static_cast<topics::Offset>(written_ + lines.rows.size())});
  return {};
}

Result<> LineWriter::seal_rows(topics::Commit& commit, const GatheredLines& lines) {
  std::int64_t now_ms = system_clock().now_ms();
  TRY(sealer_->prepare(now_ms, lines.rows.size()));
  topics::RecordBatch grants;
  for (const seal::EpochGrant& grant : sealer_->take_grants())
    grants.append(
        {.key = ByteView(grant.key), .value = ByteView(grant.value), .timestamp_ms = now_ms});
  TopicName grants_topic = TRY(TopicName::parse(seal::grants_topic(options_.topic)));
  if (!grants.empty()) TRY(commit.append({grants_topic, 0}, grants));
  for (std::size_t i = 0; i < lines.rows.size(); ++i) {
    const GatheredLines::Row& row = lines.rows[i];
    sealed_.clear();
    seal::SealOutcome outcome = sealer_->seal({.key = slice_of(row.key),
                                               .timestamp_ms = row.timestamp_ms,
                                               .path = std::nullopt,
                                               .partition = row.partition},
                                              as_bytes(lines.value(i)), sealed_);
    if (outcome != seal::SealOutcome::ok)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("record {} is too large to be sealed", written_ + i + 1));
    batches_[static_cast<std::size_t>(row.partition)].append(
        {.key = view_of(row.key), .value = ByteView(sealed_), .timestamp_ms = row.timestamp_ms});
  }
  return {};
}

Result<> LineWriter::wait_for_log() {
  note(options_.place.on_kafka()
           ? fmt::format("whether the last commit happened is not known: {}; asking again",
                         lost_because_)
           : "the process that holds the folder is gone; waiting for it to come back");
  writer_.reset();
  sealer_.reset();
  auto began = std::chrono::steady_clock::now();
  while (true) {
    auto waited = std::chrono::steady_clock::now() - began;
    if (TRY(reach_log(waited))) {
      Result<> opened = open_writer();
      if (opened || opened.error().code() != ErrorCode::unavailable) return opened;
    }
    if (waited > options_.patience) return fail(not_back());
    std::this_thread::sleep_for(kRetryEvery);
  }
}

Result<bool> LineWriter::reach_log(std::chrono::steady_clock::duration waited) {
  if (options_.place.on_kafka()) return true;  // it connects again by itself
  log_.reset();
  const std::filesystem::path& folder = options_.place.folder();
  topics::EmbeddedOptions own;
  own.folder = folder;
  own.program = kProduceProgram;
  own.identity = topics::clients_identity();
  Result<std::unique_ptr<topics::Log>> log =
      waited < std::min<std::chrono::nanoseconds>(kHolderGrace, options_.patience)
          ? topics::connect_log(folder)
          : topics::open_or_connect(std::move(own));
  if (!log && log.error().code() != ErrorCode::unavailable && log.error().code() != ErrorCode::busy)
    return fail(log.error());
  if (!log) return false;
  log_ = *std::move(log);
  return true;
}

Error LineWriter::not_back() const {
  std::string who = options_.place.text();
  if (!options_.place.on_kafka()) who = "the process that held " + who;
  return {ErrorCode::unavailable,
          fmt::format("{} did not come back within {} s; whether the last commit happened is not "
                      "known",
                      who, options_.patience.count())};
}

void LineWriter::finish() {
  // A failure leaves one small entry behind, which harms nobody.
  if (writer_) (void)writer_->forget(task_of(id_));
}

}  // namespace penstock::cli
