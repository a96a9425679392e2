#include "topics/kafka/bundle.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "topics/commit_limits.h"
#include "topics/partitioner.h"

namespace penstock::topics::kafka {
namespace {

CommitResult failed_with(const Error& error) {
  return {error.code() == ErrorCode::fenced ? Outcome::fenced : Outcome::aborted, error};
}

}  // namespace

class Bundle::Entry {
 public:
  Entry(Seat s, Contribution& c) : seat(std::move(s)), contribution(c) {}
  const Seat seat;
  Contribution& contribution;
  // Guarded by the bundle's mutex.
  State state = State::queued;
  Deadline give_up = Deadline::max();
  CommitResult result;
  // The thread's.
  Deadline began = std::chrono::steady_clock::now();
};

Bundle::Bundle(Core& core, WriterId transactional)
    : core_(core), transactional_(std::move(transactional)), thread_([this] { run(); }) {}

Bundle::~Bundle() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  queued_.notify_all();
  thread_.join();
  CHECK(queue_.empty());
  take_producer(nullptr);
}

Result<Bundle::Seat> Bundle::open(const WriterId& writer, const MayTake& may_take) {
  std::lock_guard one(opening_);
  std::unique_lock lock(mutex_);
  const Seat seat{writer, ++openings_};
  seats_[writer] = seat.opening;  // what the earlier seat has queued is fenced when its turn comes
  settled_.wait(lock, [&] { return !is_under_way(writer); });
  if (producer_ != nullptr && !producer_->is_dead()) return seat;
  std::vector<WriterId> writers;
  for (const auto& [known, opening] : seats_) writers.push_back(known);
  lock.unlock();
  TRY(may_take(writers));
  take_producer(TRY(Producer::start(core_.options, transactional_, *core_.last)));
  return seat;
}

bool Bundle::is_under_way(const WriterId& writer) const {
  const auto of_writer = [&](const Ref& entry) { return entry->seat.writer == writer; };
  return std::ranges::any_of(queue_, of_writer) || std::ranges::any_of(writing_, of_writer);
}

void Bundle::take_producer(std::unique_ptr<Producer> fresh) {
  {
    std::unique_lock lock(mutex_);
    settled_.wait(lock, [this] { return writing_.empty(); });
    producer_.swap(fresh);
  }
  if (fresh != nullptr && fresh->is_dead() && !fresh->is_fenced()) core_.figures.count_restart();
}  // closes the one before, which takes its time

Result<> Bundle::check_locked(const Seat& seat) const {
  const auto newest = seats_.find(seat.writer);
  CHECK(newest != seats_.end());
  if (newest->second != seat.opening || producer_->is_fenced())
    return fail(fenced_error(seat.writer));
  if (producer_->is_dead())
    return fail(ErrorCode::unavailable,
                fmt::format("writer '{}' must be opened again: what became of its last commit, or "
                            "of another one in the same transaction, is not known",
                            seat.writer.value()));
  return {};
}

Result<> Bundle::check(const Seat& seat) const {
  std::lock_guard lock(mutex_);
  return check_locked(seat);
}

Bundle::Ref Bundle::submit(const Seat& seat, Contribution& contribution) {
  auto entry = std::make_shared<Entry>(seat, contribution);
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(entry);
  }
  queued_.notify_one();
  return entry;
}

bool Bundle::settled(const Ref& entry) const {
  std::lock_guard lock(mutex_);
  return entry->state == State::settled;
}

// Whatever is being written goes before it, so that is hurried, too.
CommitResult Bundle::finish(const Ref& entry, Deadline give_up) {
  std::unique_lock lock(mutex_);
  entry->give_up = std::min(entry->give_up, give_up);
  if (entry->state != State::settled && !writing_.empty()) producer_->hurry(give_up);
  settled_.wait(lock, [&] { return entry->state == State::settled; });
  return entry->result;
}

void Bundle::drop(const Ref& entry, Deadline give_up) {
  {
    std::lock_guard lock(mutex_);
    if (std::erase(queue_, entry) > 0) {
      entry->state = State::settled;
      settled_.notify_all();
      return;
    }
  }
  (void)finish(entry, give_up);
}

// --- the bundle's thread ---

void Bundle::run() {
  for (;;) {
    Round round = take_round();
    if (round.empty()) return;
    write_round(std::move(round));
    {
      std::lock_guard lock(mutex_);
      writing_.clear();
    }
    settled_.notify_all();
  }
}

Bundle::Round Bundle::take_round() {
  std::unique_lock lock(mutex_);
  queued_.wait(lock, [this] { return ending_ || !queue_.empty(); });
  Round round;
  std::size_t bytes = 0;
  auto next = queue_.begin();
  for (; next != queue_.end() && (round.empty() || bytes < kTransactionBytes); ++next) {
    (*next)->state = State::writing;
    bytes += (*next)->contribution.bytes();
    round.push_back(std::move(*next));
  }
  queue_.erase(queue_.begin(), next);
  writing_ = round;
  return round;
}

void Bundle::write_round(Round round) {
  {
    std::lock_guard lock(mutex_);
    for (const Ref& entry : round)
      if (Result<> good = check_locked(entry->seat); !good)
        entry->result = failed_with(good.error());
  }
  std::erase_if(round, [&](const Ref& entry) {
    if (!entry->result.error) return false;
    settle(entry, entry->result);
    return true;
  });
  prepare(round);
  transact(round);
  for (Ref& left : round) {  // one of them was at fault, perhaps: each alone
    Round alone{left};
    transact(alone);
  }
}

void Bundle::prepare(Round& round) {
  std::erase_if(round, [&](const Ref& entry) {
    Result<> prepared = entry->contribution.prepare();
    if (prepared) return false;
    settle(entry, failed_with(prepared.error()));
    return true;
  });
}

void Bundle::apply_deadlines(const Round& round) {
  producer_->wait_from_now();
  std::lock_guard lock(mutex_);
  for (const Ref& entry : round) producer_->hurry(entry->give_up);
}

void Bundle::transact(Round& round) {
  if (round.empty()) return;
  for (const Ref& entry : round) entry->began = std::chrono::steady_clock::now();
  apply_deadlines(round);
  CommitResult result{Outcome::aborted, std::nullopt};
  if (Result<> begun = producer_->begin(); !begun) {
    result = failed_with(begun.error());
  } else if (write_all(round)) {
    result = producer_->commit();
  } else {
    producer_->abort();
    return;
  }
  const bool nobodys_fault = result.outcome != Outcome::aborted || producer_->is_dead();
  if (nobodys_fault || round.size() == 1) settle_all(round, result);
}

// Settles the one that fails; false: the transaction must be aborted.
bool Bundle::write_all(Round& round) {
  for (auto entry = round.begin(); entry != round.end(); ++entry) {
    Result<> written = (*entry)->contribution.write(*producer_);
    if (written) continue;
    settle(*entry, failed_with(written.error()));
    round.erase(entry);
    return false;
  }
  return true;
}

void Bundle::settle(const Ref& entry, CommitResult result) {
  if (result.outcome == Outcome::aborted)
    if (auto why = entry->contribution.hindrance()) result.error = std::move(why);
  core_.figures.count_commit(result.outcome, std::chrono::steady_clock::now() - entry->began);
  {
    std::lock_guard lock(mutex_);
    entry->result = std::move(result);
    entry->state = State::settled;
  }
  settled_.notify_all();
  core_.waiters.notify();
}

void Bundle::settle_all(Round& round, const CommitResult& result) {
  for (const Ref& entry : round) settle(entry, result);
  round.clear();
}

// --- bundles ---

std::shared_ptr<Bundle> Bundles::own(Core& core, const WriterId& writer) {
  return find(core, writer);
}

std::shared_ptr<Bundle> Bundles::shared(Core& core, const WriterId& writer) {
  const std::int32_t number = partition_of(as_bytes(writer.value()), kBundles);
  return find(core, WriterId(fmt::format("penstock.bundle-{}", number)));
}

std::shared_ptr<Bundle> Bundles::find(Core& core, const WriterId& transactional) {
  std::lock_guard lock(mutex_);
  std::erase_if(bundles_, [](const auto& one) { return one.second.expired(); });
  std::weak_ptr<Bundle>& known = bundles_[transactional];
  std::shared_ptr<Bundle> bundle = known.lock();
  if (bundle == nullptr) {
    bundle = std::make_shared<Bundle>(core, transactional);
    known = bundle;
  }
  return bundle;
}

}  // namespace penstock::topics::kafka
