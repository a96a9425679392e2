#include "topics/committer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/crash_point.h"
#include "topics/commit_limits.h"
#include "topics/limits.h"
#include "topics/open_task.h"

namespace penstock::topics {
// A commit that names tasks of this service has written to the partition in this round.
bool Committer::wrote(const Round& round, const ServiceRoot& root, const Partition& partition) {
  return std::ranges::any_of(round, [&](const CommitTicket* waiting) {
    const CommitRequest& request = waiting->request;
    return waiting->staged && !request.tasks.empty() && &request.root == &root &&
           std::ranges::any_of(request.pieces, [&](const CommitPiece& piece) {
             return piece.partition.get() == &partition;
           });
  });
}

Committer::Committer(const SegmentSettings& settings, StateStore& store, Waits& waits,
                     std::filesystem::path journal)
    : settings_(settings), store_(store), waits_(waits), journal_(settings, std::move(journal)) {
  if (settings_.sync) thread_ = std::thread([this] { run(); });
}

Committer::~Committer() {
  {
    std::lock_guard lock(queue_mutex_);
    ending_ = true;
  }
  queued_.notify_all();
  if (thread_.joinable()) thread_.join();
  // Where it is not known which end is durable, nothing is cut.
  if (store_.is_poisoned() || !settle_journal()) return;
  journal_.remove();
  for (const auto& partition : with_files_) partition->release_file();
}

void Committer::start(CommitTicket& ticket) {
  {
    std::lock_guard lock(queue_mutex_);
    queue_.push_back(&ticket);
  }
  if (settings_.sync)
    queued_.notify_one();
  else
    (void)wait(ticket);
}

CommitResult Committer::wait(CommitTicket& ticket) {
  std::unique_lock lock(queue_mutex_);
  const bool may_lead = !settings_.sync;
  round_over_.wait(lock, [&] { return ticket.done || (may_lead && !leading_); });
  if (ticket.done) return ticket.result;
  leading_ = true;
  const Round round = std::exchange(queue_, {});
  lock.unlock();
  run_round(round);
  end_leading(round);
  return ticket.result;
}

// Tickets may be gone once they are done.
void Committer::end_leading(const Round& round) {
  {
    std::lock_guard lock(queue_mutex_);
    for (CommitTicket* waiting : round) waiting->done = true;
    leading_ = false;
  }
  round_over_.notify_all();
}

void Committer::run() {
  for (;;) {
    Round round;
    {
      std::unique_lock lock(queue_mutex_);
      queued_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      round.swap(queue_);
    }
    run_round(round);
    end_leading(round);
  }
}

void Committer::run_round(const Round& round) {
  const auto held = alone();
  touched_.clear();
  entries_.clear();
  journaled_ = false;
  auto room = store_.check_usable();
  for (CommitTicket* waiting : round) {
    if (!room) {
      waiting->result = {Outcome::aborted, room.error()};
      continue;
    }
    waiting->result = check(waiting->request);
    if (waiting->result.error) continue;
    auto staged = stage(waiting->request);
    if (staged)
      waiting->staged = true;
    else
      waiting->result = {Outcome::aborted, staged.error()};
  }
  CRASH_POINT("embedded.commit.after_segment_write");
  if (auto synced = sync(); !synced)
    finish(round, Outcome::aborted, synced.error());
  else
    write_state(round);
  waits_.notify();
  if (!store_.is_poisoned()) close_surplus_files();
}

// An error that keeps the commit from being staged, or none.
CommitResult Committer::check(const CommitRequest& request) {
  if (!is_current(request.writer, request.epoch))
    return {Outcome::fenced, fenced_error(request.writer)};
  for (const TaskMark& mark : request.tasks) {
    const ServiceRoot::Known* known = request.root.find(*mark.task);
    if (!known || known->incarnation != mark.incarnation)
      return {Outcome::fenced, task_fenced(*mark.task)};
  }
  for (const CommitPiece& piece : request.pieces)
    if (piece.partition->removed())
      return {Outcome::aborted, no_such_topic(piece.partition->name().topic)};
  return {};
}

Result<> Committer::stage(const CommitRequest& request) {
  CRASH_POINT("embedded.commit.before_segment_write");
  std::vector<Tail> before;
  const std::size_t entries_before = entries_.size();
  for (CommitPiece& piece : request.pieces) {
    before.push_back(piece.partition->staged());
    touch(piece.partition);
    auto staged = stage_piece(piece);
    if (staged) continue;
    for (std::size_t i = 0; i < before.size(); ++i) request.pieces[i].partition->unstage(before[i]);
    entries_.resize(entries_before);
    return staged;
  }
  return {};
}

Result<> Committer::stage_piece(CommitPiece& piece) {
  Partition& partition = *piece.partition;
  TRY(partition.stage(piece.batches, store_.next_round()));
  if (!settings_.sync) return {};
  const ByteView bytes = piece.batches.bytes();
  const std::uint64_t end = partition.staged().bytes;
  entries_.push_back({.topic_id = partition.topic_id(),
                      .partition = partition.name().partition,
                      .segment_base = partition.staged().segment_base,
                      .at = end - std::min<std::uint64_t>(end, bytes.size()),
                      .bytes = bytes});
  return {};
}

void Committer::touch(const std::shared_ptr<Partition>& partition) {
  if (std::find(touched_.begin(), touched_.end(), partition) == touched_.end())
    touched_.push_back(partition);
  if (!partition->holds_file() &&
      std::find(with_files_.begin(), with_files_.end(), partition) == with_files_.end())
    with_files_.push_back(partition);
}

Result<> Committer::sync() {
  if (!settings_.sync) return {};
  TRY(fits_journal() ? write_journal() : sync_files(touched_));
  CRASH_POINT("embedded.commit.after_sync");
  return {};
}

bool Committer::fits_journal() const {
  if (touched_.size() < kJournalPartitionsMin) return false;
  std::size_t bytes = 0;
  for (const JournalEntry& entry : entries_) bytes += entry.bytes.size() + kJournalEntryBytes;
  return bytes <= kJournalRoundBytesMax &&
         std::ranges::none_of(touched_, [](const auto& each) { return each->has_rolled(); });
}

Result<> Committer::write_journal() {
  if (!journal_.has_room(entries_)) TRY(settle_journal());
  auto written = journal_.append(entries_, store_.next_round());
  if (journal_.is_doubtful()) store_.poison_by(written.error());
  TRY(std::move(written));
  journaled_ = true;
  for (const auto& partition : touched_)
    if (std::ranges::find(ahead_, partition) == ahead_.end()) ahead_.push_back(partition);
  return {};
}

// What is not in the segments for good may be lost with the journal, and a failed sync is not told
// twice: after an error the log has to be opened anew, which puts it back.
Result<> Committer::settle_journal() {
  auto settled = sync_files(ahead_);
  if (settled) settled = journal_.clear();
  if (!settled) store_.poison_by(settled.error());
  if (settled) ahead_.clear();
  return settled;
}

// Several at a time, since syncs that overlap share the disk's work.
Result<> Committer::sync_files(std::span<const std::shared_ptr<Partition>> partitions) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  Result<> all;
  const auto work = [&] {
    for (std::size_t i = next++; i < partitions.size(); i = next++) {
      const Result<> synced = partitions[i]->sync_staged();
      std::lock_guard lock(mutex);
      if (!synced && all) all = synced;
    }
  };
  // A test's faults come one after the other.
  const std::size_t at_once =
      settings_.faults != nullptr ? 1 : std::min(kSyncsAtOnce, partitions.size());
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < at_once; ++i) others.emplace_back(work);
  work();
  others.clear();
  return all;
}

// What the round's commits change of the roots of their services.
void Committer::stage_roots(const Round& round) {
  roots_.clear();
  for (const CommitTicket* waiting : round) {
    const CommitRequest& request = waiting->request;
    if (!waiting->staged || request.tasks.empty()) continue;
    for (const TaskMark& mark : request.tasks)
      request.root.stage_task(*mark.task, mark.incarnation, mark.hash);
    if (std::ranges::find(roots_, &request.root) == roots_.end()) roots_.push_back(&request.root);
  }
  for (const auto& partition : touched_) {
    if (partition->staged() == partition->committed()) continue;
    const PartitionEnd end{partition->topic_id(), partition->name().partition,
                           partition->staged().end};
    for (ServiceRoot* root : roots_)
      if (wrote(round, *root, *partition)) root->stage_end(end);
  }
}

void Committer::write_state(const Round& round) {
  StateBatch* batch = nullptr;
  bool has_changes = false;
  for (CommitTicket* waiting : round) {
    if (!waiting->staged) continue;
    if (batch && !waiting->request.changes.empty())
      batch->append(waiting->request.changes);
    else if (!batch)
      batch = &waiting->request.changes;
    has_changes |= !waiting->request.changes.empty();
  }
  if (!batch) return;  // nothing came through
  for (const auto& partition : touched_) {
    if (partition->staged() == partition->committed()) continue;
    partition->put_staged(*batch);
    has_changes = true;
  }
  stage_roots(round);
  for (ServiceRoot* root : roots_) root->write(*batch, store_.next_round());
  WriteResult written{WriteOutcome::written, std::nullopt};
  if (has_changes) written = store_.write(*batch);
  CRASH_POINT("embedded.commit.after_state");
  switch (written.outcome) {
    case WriteOutcome::written:
      return finish(round, Outcome::committed, std::nullopt);
    case WriteOutcome::not_written:
      return finish(round, Outcome::aborted, written.error);
    case WriteOutcome::unknown:
      return finish(round, Outcome::unknown, written.error);
  }
}

void Committer::finish(const Round& round, Outcome outcome, const std::optional<Error>& error) {
  for (ServiceRoot* root : roots_) {
    if (outcome == Outcome::committed)
      root->apply();
    else
      root->drop();
  }
  roots_.clear();
  if (journaled_ && outcome == Outcome::aborted) {
    if (auto back = journal_.take_back(); !back) store_.poison_by(back.error());
  }
  for (const auto& partition : touched_) {
    if (outcome == Outcome::committed)
      partition->publish();
    else if (outcome != Outcome::unknown)  // then its bytes may be committed: they stay as they are
      partition->unstage(partition->committed());
  }
  CRASH_POINT("embedded.commit.after_publish");
  for (CommitTicket* waiting : round)
    if (waiting->staged) waiting->result = {outcome, error};
}

void Committer::close_surplus_files() {
  while (with_files_.size() > kOpenSegmentsMax) {
    if (std::erase(ahead_, with_files_.front()) > 0) {
      if (auto synced = with_files_.front()->sync_staged(); !synced)
        return store_.poison_by(synced.error());
    }
    with_files_.front()->release_file();
    with_files_.pop_front();
  }
}

Result<std::uint64_t> Committer::open_writer(const WriterId& id) {
  TRY(check_id(id));
  auto held = alone();
  return epochs_[id] = ++last_epoch_;
}

void Committer::close_writer(const WriterId& id, std::uint64_t epoch) {
  auto held = alone();
  if (is_current(id, epoch)) epochs_.erase(id);
}

bool Committer::is_current(const WriterId& id, std::uint64_t epoch) const {
  auto found = epochs_.find(id);
  return found != epochs_.end() && found->second == epoch;
}

Result<> Committer::replace(const WriterId& id, std::uint64_t epoch, ServiceRoot& root,
                            const TaskReplacement& replacement) {
  auto held = alone();
  if (!is_current(id, epoch)) return fail(fenced_error(id));
  const ServiceRoot::Known* known = root.find(replacement.task);
  if (!replacement.any) {
    if (known && !replacement.expected)
      return fail(position_lost(replacement.task, "it was there when the log was opened"));
    if (known ? known->hash != *replacement.expected : replacement.expected.has_value())
      return fail(task_fenced(replacement.task));
  }
  if (replacement.now)
    root.stage_task(replacement.task, replacement.now->incarnation, replacement.now->hash);
  else
    root.stage_forget(replacement.task);
  if (root.is_staged()) root.write(replacement.changes, store_.next_round());
  const Result<> written = store_.write_or_fail(replacement.changes);
  if (root.is_staged() && written)
    root.apply();
  else
    root.drop();
  return written;
}

Result<> Committer::write_removal(std::uint32_t topic_id, StateBatch& batch) {
  for (ServiceRoot* root : all_roots_) {
    root->stage_removal(topic_id);
    if (root->is_staged()) root->write(batch, store_.next_round());
  }
  const Result<> written = store_.write_or_fail(batch);
  for (ServiceRoot* root : all_roots_) {
    if (written && root->is_staged())
      root->apply();
    else
      root->drop();
  }
  return written;
}

void Committer::close_files_of(std::uint32_t topic_id) {
  std::erase_if(ahead_, [&](const auto& each) { return each->topic_id() == topic_id; });
  std::erase_if(with_files_, [&](const auto& partition) {
    if (partition->topic_id() != topic_id) return false;
    partition->release_file();
    return true;
  });
  touched_.clear();
}

}  // namespace penstock::topics
