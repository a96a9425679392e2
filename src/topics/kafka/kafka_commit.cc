#include "topics/kafka/kafka_commit.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"
#include "topics/kafka/limits.h"

namespace penstock::topics::kafka {

void KafkaCommit::Changes::put(ByteView key, ByteView value) {
  if (limits_.take_state(key, value)) list_.push_back({to_buffer(key), to_buffer(value)});
}

void KafkaCommit::Changes::erase(ByteView key) {
  if (limits_.take_state(key, {})) list_.push_back({to_buffer(key), std::nullopt});
}

Result<> KafkaCommit::append(const TopicPartition& to, const RecordBatch& batch) {
  CHECK(!done_ && !result_.valid());
  TopicRef topic = TRY(writer_.core_.topics.find(to.topic));
  TRY(check_partition(topic->spec, to.partition));
  TRY(check_records(*topic, batch));
  TRY(limits_.take_records(batch));
  if (batch.empty()) return {};
  if (std::ranges::find(topics_, topic) == topics_.end()) topics_.push_back(topic);
  // From here on a failure is the transaction's: finish() says so.
  if (!failed_ && !begun_) {
    writer_.producer_->wait_from_now();
    if (Result<> begun = begin_once(); !begun) failed_ = begun.error();
  }
  if (!failed_) {
    if (Result<> produced = produce_all(to, batch); !produced) failed_ = produced.error();
  }
  return {};
}

Result<> KafkaCommit::produce_all(const TopicPartition& to, const RecordBatch& batch) {
  rd_kafka_topic_t& topic = *TRY(writer_.producer_->handle_of(to.topic.text()));
  for (std::size_t i = 0; i < batch.size(); ++i)
    TRY(writer_.producer_->produce(topic, to.partition, batch[i]));
  return {};
}

Result<> KafkaCommit::check_records(const TopicFacts& topic, const RecordBatch& batch) const {
  const TopicRules& rules = topic.rules;
  for (data::TimestampMs timestamp_ms : batch.timestamps_ms())
    if (timestamp_ms < rules.timestamp_ms_min)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("Kafka takes timestamps from {} ms after 1970 on, seen {}",
                              rules.timestamp_ms_min, timestamp_ms));
  if (batch.bytes() <= rules.record_bytes_max) return {};
  for (std::size_t i = 0; i < batch.size(); ++i) {
    RecordView record = batch[i];
    std::size_t bytes = (record.key ? record.key->size() : 0) +
                        (record.value ? record.value->size() : 0) + record.headers.size();
    if (bytes > rules.record_bytes_max)
      return fail(
          ErrorCode::limit_exceeded,
          fmt::format("a record has {} bytes of key, value and headers; topic '{}' takes "
                      "{}: raise its max.message.bytes (Penstock takes {} at most)",
                      bytes, topic.spec.name.text(), rules.record_bytes_max, kRecordBytesMax));
  }
  return {};
}

void KafkaCommit::advance(const TaskId& task, const TopicPartition& from, Position next) {
  if (limits_.take_task(task)) advances_.push_back({task, from, std::move(next)});
}

StateWrites& KafkaCommit::state(const TaskId& task) {
  limits_.take_task(task);
  auto [found, fresh] = states_.try_emplace(task);
  if (fresh) found->second = std::make_unique<Changes>(limits_);
  return *found->second;
}

Result<> KafkaCommit::begin_once() {
  if (begun_) return {};
  TRY(writer_.producer_->begin());
  begun_ = true;
  return {};
}

void KafkaCommit::start() {
  CHECK(!done_);
  if (result_.valid()) return;
  note_start();
  result_ = std::async(std::launch::async, [this] {
    CommitResult result = run();
    writer_.core_.waiters.notify();
    return result;
  });
}

bool KafkaCommit::settled() const {
  return !result_.valid() || result_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

void KafkaCommit::note_start() {
  started_ = std::chrono::steady_clock::now();
  if (!begun_) writer_.producer_->wait_from_now();
}

// Counted from the start: of many that were started together and meet the same silence, all are
// given up together.
CommitResult KafkaCommit::finish() {
  CHECK(!done_);
  if (!result_.valid()) note_start();
  if (!settled() || !result_.valid()) writer_.producer_->hurry(started_ + kFinishPatience);
  return take_result();
}

CommitResult KafkaCommit::take_result() {
  CommitResult result = result_.valid() ? result_.get() : run();
  done_ = true;
  writer_.open_ = false;
  if (result.outcome == Outcome::committed) take_over_updates();
  return result;
}

void KafkaCommit::abort() {
  if (done_) return;
  if (result_.valid()) {  // it may be committed by now; whoever aborts does not want to know
    writer_.producer_->hurry(
        std::min(started_ + kFinishPatience, std::chrono::steady_clock::now() + kAbandonPatience));
    (void)take_result();
    return;
  }
  done_ = true;
  writer_.open_ = false;
  if (begun_) writer_.producer_->abort();
}

CommitResult KafkaCommit::run() {
  auto began = std::chrono::steady_clock::now();
  CommitResult result = [&]() -> CommitResult {
    if (auto why = hindrance()) return give_up(*why);
    if (Result<> written = write_tasks(); !written) return give_up(written.error());
    if (!begun_) return {Outcome::committed, std::nullopt};  // nothing was asked for
    CommitResult committed = writer_.producer_->commit();
    if (committed.outcome == Outcome::aborted)
      if (auto why = hindrance()) committed.error = why;
    return committed;
  }();
  if (begun_ || result.outcome != Outcome::committed)
    writer_.core_.figures.count_commit(result.outcome, std::chrono::steady_clock::now() - began);
  return result;
}

std::optional<Error> KafkaCommit::hindrance() const {
  if (limits_.broken()) return limits_.broken();
  for (const TopicRef& topic : topics_)
    if (*topic->removed) return no_such_topic(topic->spec.name);
  return failed_;
}

CommitResult KafkaCommit::give_up(const Error& error) {
  if (begun_) writer_.producer_->abort();
  Outcome outcome = error.code() == ErrorCode::fenced ? Outcome::fenced : Outcome::aborted;
  return {outcome, error};
}

Result<> KafkaCommit::write_tasks() {
  std::set<TaskId> named;
  for (const Advance& advance : advances_) named.insert(advance.task);
  for (const auto& [task, changes] : states_)
    if (!changes->list().empty()) named.insert(task);
  for (const TaskId& task : named)
    TRY_IN(write_task(task), fmt::format("checkpoint of task '{}'", task.value()));
  return {};
}

Result<> KafkaCommit::write_task(const TaskId& task) {
  const auto opened = writer_.tasks_.find(task);
  if (opened == writer_.tasks_.end())
    return fail(ErrorCode::failed_precondition,
                fmt::format("task '{}' was not opened by this writer: restore() comes first",
                            task.value()));
  const TaskFacts& facts = opened->second;
  TaskChanges& update = updates_.try_emplace(task, *facts.open).first->second;
  for (Advance& advance : advances_)
    if (advance.task == task) update.advance(advance.from, std::move(advance.next));
  if (!facts.place.is_alone)
    TRY(ensure_changelog(writer_.core_, facts.place, facts.place.partition + 1));
  TRY(begin_once());
  const auto changes = states_.find(task);
  if (changes != states_.end() && !changes->second->list().empty())
    TRY(write_state(facts.place, *changes->second, update));
  TopicIds ids(writer_.core_.topics, TopicIds::Ask::once);
  const SealedCheckpoint& sealed = *TRY(update.seal(writer_.core_.options.identity, ids.of()));
  TRY(ids.answer());
  if (!facts.place.is_alone) TRY(writer_.write_checkpoint(facts.place, sealed.bytes));
  TRY(writer_.mirror(facts.place, sealed));
  return writer_.prove_member(facts.place);
}

Result<> KafkaCommit::write_state(const TaskPlace& place, const Changes& changes,
                                  TaskChanges& update) {
  if (place.is_alone)
    return fail(ErrorCode::unsupported, "only tasks named <name>/<number> keep state on Kafka");
  rd_kafka_topic_t& changelog = *TRY(writer_.producer_->handle_of(place.changelog));
  const data::TimestampMs now_ms = system_clock().now_ms();
  for (const StateChange& change : changes.list()) {
    const ByteBuffer key = state_record_key(change.key);
    RecordView record{.key = key, .value = std::nullopt, .timestamp_ms = now_ms};
    if (change.value) record.value = *change.value;
    TRY(writer_.producer_->produce(changelog, place.partition, record));
    if (change.value)
      update.put(change.key, *change.value);
    else
      update.erase(change.key);
  }
  return {};
}

void KafkaCommit::take_over_updates() {
  for (const TopicRef& topic : topics_) writer_.core_.fresh.note(topic->spec.name);
  for (auto& [task, update] : updates_) {
    update.apply();
    const TaskPlace& place = writer_.tasks_.at(task).place;
    const OpenTask& open = update.task();
    if (!place.is_alone) writer_.core_.progress.note(task, open.checkpoint.commit, open.hash);
    if (!place.is_alone) writer_.core_.fresh.note(changelog_of(place).topic);
  }
}

}  // namespace penstock::topics::kafka
