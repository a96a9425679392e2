#include "topics/open_task.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "topics/limits.h"

namespace penstock::topics {
namespace {

Error topic_recreated(const TaskId& task, const TopicPartition& from) {
  return {ErrorCode::failed_precondition,
          fmt::format("topic_recreated: topic '{}' was removed and made again since task '{}' read "
                      "it, so the task's position in partition {} means nothing there; say where "
                      "to go on with ALTER QUERY <query> RESET POSITIONS TO earliest (or latest, "
                      "or offsets)",
                      from.topic.text(), task.value(), from.partition)};
}

// Fills in the topic's id; one that is there already must be the same.
Result<> fill_topic_id(const TaskId& task, const TopicPartition& from, LogPosition& position,
                       const Position* before, const TopicIdOf& id_of) {
  std::string known;
  if (const auto* log = before ? std::get_if<LogPosition>(before) : nullptr) known = log->topic_id;
  const std::optional<std::string> id = id_of(from);
  if (id && !known.empty() && *id != known) return fail(topic_recreated(task, from));
  position.topic_id = id ? *id : known;
  return {};
}

Result<> check_size(const Checkpoint& checkpoint, std::size_t bytes) {
  if (checkpoint.positions.size() <= kCheckpointPositionsMax && bytes <= kCheckpointBytesMax)
    return {};
  return fail(
      ErrorCode::limit_exceeded,
      fmt::format("the checkpoint of task '{}' has {} positions and {} bytes; the log takes "
                  "{} and {}",
                  checkpoint.task.value(), checkpoint.positions.size(), bytes,
                  kCheckpointPositionsMax, kCheckpointBytesMax));
}

Result<> check_position(const TaskId& task, const Position& position) {
  const auto* source = std::get_if<SourcePosition>(&position);
  if (source && source->bytes.size() > kSourcePositionBytesMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("a source's position in task '{}' has {} bytes; the log takes {}",
                            task.value(), source->bytes.size(), kSourcePositionBytesMax));
  const auto* log = std::get_if<LogPosition>(&position);
  if (log && (log->next < 0 || log->row < 0))
    return fail(ErrorCode::invalid_argument,
                fmt::format("a position of task '{}' is negative", task.value()));
  return {};
}

SealedCheckpoint sealed(Checkpoint checkpoint, const Digest& state, const StateIdentity& identity) {
  ByteBuffer bytes = seal_checkpoint(checkpoint, state, identity);
  const Digest hash = hash_of_checkpoint(bytes, *identity.key);
  return {std::move(checkpoint), std::move(bytes), hash};
}

}  // namespace

Error position_lost(const TaskId& task, std::string_view seen) {
  return {ErrorCode::corrupt,
          fmt::format("position_lost: task '{}' has run before, but its checkpoint is gone ({}): "
                      "the stored state was changed outside, or a part of it was put back; say "
                      "where to go on with ALTER QUERY <query> RESET POSITIONS, or restore the "
                      "whole of it from a backup",
                      task.value(), seen)};
}

TaskOpening::TaskOpening(const StateIdentity& identity, const TaskId& task)
    : identity_(identity), task_(std::make_unique<OpenTask>(identity, task)) {}

void TaskOpening::add(ByteView key, ByteView value) {
  task_->digest.add(key, value);
}

Result<std::unique_ptr<OpenTask>> TaskOpening::finish(const std::optional<ByteBuffer>& stored,
                                                      const TopicIdOf& id_of) {
  const TaskId task = task_->checkpoint.task;
  if (!stored) {
    if (const std::size_t entries = task_->digest.entries(); entries > 0)
      return fail(position_lost(task, fmt::format("{} entries of its state are there", entries)));
    return std::move(task_);
  }
  task_->checkpoint = TRY(read_checkpoint(*stored, task));
  TRY(verify_checkpoint(*stored, task, task_->digest.bytes(), identity_));
  task_->hash = hash_of_checkpoint(*stored, *identity_.key);
  for (const TaskPosition& position : task_->checkpoint.positions) {
    const auto* log = std::get_if<LogPosition>(&position.position);
    if (!log || log->topic_id.empty()) continue;
    const std::optional<std::string> id = id_of(position.from);
    if (id && *id != log->topic_id) return fail(topic_recreated(task, position.from));
  }
  return std::move(task_);
}

SealedCheckpoint opening_checkpoint(const OpenTask& task, const StateIdentity& identity,
                                    const RandomSource& random, std::uint64_t lease_term) {
  Checkpoint next = task.checkpoint;
  ++next.commit;
  next.lease_term = lease_term;
  random(next.incarnation);
  next.previous = task.hash;
  return sealed(std::move(next), task.digest.bytes(), identity);
}

Result<SealedCheckpoint> reset_checkpoint(const TaskId& task, std::vector<TaskPosition> positions,
                                          const std::optional<ByteBuffer>& stored,
                                          const StateIdentity& identity, const TopicIdOf& id_of,
                                          const RandomSource& random, std::uint64_t lease_term,
                                          std::uint64_t commit_min) {
  Checkpoint next{.task = task, .commit = commit_min + 1, .lease_term = lease_term};
  if (stored) {
    // Not verified: whatever it says, the number does not fall below it.
    if (const auto before = read_checkpoint(*stored, task))
      next.commit = std::max(next.commit, before->commit + 1);
    next.previous = hash_of_checkpoint(*stored, *identity.key);
  }
  random(next.incarnation);
  for (TaskPosition& position : positions) {
    TRY(check_position(task, position.position));
    if (auto* log = std::get_if<LogPosition>(&position.position))
      TRY(fill_topic_id(task, position.from, *log, nullptr, id_of));
    next.set(position.from, std::move(position.position));
  }
  TRY(check_size(next, 0));
  SealedCheckpoint out = sealed(std::move(next), Sum256().bytes(), identity);
  TRY(check_size(out.checkpoint, out.bytes.size()));
  return out;
}

void TaskChanges::advance(const TopicPartition& from, Position next) {
  for (TaskPosition& known : advances_) {
    if (known.from != from) continue;
    known.position = std::move(next);
    return;
  }
  advances_.push_back({from, std::move(next)});
}

Result<const SealedCheckpoint*> TaskChanges::seal(const StateIdentity& identity,
                                                  const TopicIdOf& id_of) {
  CHECK(!sealed_);
  Checkpoint next = task_.checkpoint;
  ++next.commit;
  next.previous = task_.hash;
  for (TaskPosition& advance : advances_) {
    TRY(check_position(next.task, advance.position));
    if (auto* log = std::get_if<LogPosition>(&advance.position))
      TRY(fill_topic_id(next.task, advance.from, *log, next.find(advance.from), id_of));
    next.set(advance.from, std::move(advance.position));
  }
  TRY(check_size(next, 0));
  sealed_ = sealed(std::move(next), update_.bytes(), identity);
  TRY(check_size(sealed_->checkpoint, sealed_->bytes.size()));
  return &*sealed_;
}

void TaskChanges::apply() {
  CHECK(sealed_.has_value());
  task_.checkpoint = std::move(sealed_->checkpoint);
  task_.hash = sealed_->hash;
  task_.digest.apply(std::move(update_));
}

}  // namespace penstock::topics
