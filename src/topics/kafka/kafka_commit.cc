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
  CHECK(!started_ && !done_);
  TopicRef topic = TRY(writer_.core_.topics.find(to.topic));
  TRY(check_partition(topic->spec, to.partition));
  TRY(check_records(*topic, batch));
  TRY(limits_.take_records(batch));
  if (batch.empty()) return {};
  if (std::ranges::find(topics_, topic) == topics_.end()) topics_.push_back(topic);
  records_.emplace_back(to, batch);
  bytes_ += batch.bytes();
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

bool KafkaCommit::is_empty() const {
  const auto is_unchanged = [](const auto& state) { return state.second->list().empty(); };
  return records_.empty() && advances_.empty() && !limits_.broken() &&
         std::ranges::all_of(states_, is_unchanged);
}

// The patience begins here: of many that were started together and meet the same silence, all are
// given up together.
void KafkaCommit::start() {
  CHECK(!done_);
  if (std::exchange(started_, true)) return;
  const std::chrono::seconds for_its_size(limits_.bytes() / kFinishBytesPerSecond);
  give_up_ = std::chrono::steady_clock::now() + kFinishPatience + for_its_size;
  if (!is_empty()) entry_ = writer_.bundle_->submit(writer_.seat_, *this);
}

bool KafkaCommit::settled() const {
  return entry_ == nullptr || writer_.bundle_->settled(entry_);
}

CommitResult KafkaCommit::finish() {
  start();
  CommitResult result{Outcome::committed, std::nullopt};
  if (entry_ != nullptr) result = writer_.bundle_->finish(entry_, give_up_);
  done_ = true;
  writer_.open_ = false;
  if (result.outcome == Outcome::committed) take_over_updates();
  return result;
}

// It may be committed by now; whoever aborts does not want to know.
void KafkaCommit::abort() {
  if (std::exchange(done_, true)) return;
  writer_.open_ = false;
  if (entry_ == nullptr) return;
  writer_.bundle_->drop(entry_,
                        std::min(give_up_, std::chrono::steady_clock::now() + kAbandonPatience));
}

std::optional<Error> KafkaCommit::hindrance() const {
  if (limits_.broken()) return limits_.broken();
  for (const TopicRef& topic : topics_)
    if (*topic->removed) return no_such_topic(topic->spec.name);
  return std::nullopt;
}

Result<> KafkaCommit::prepare() {
  if (auto why = hindrance()) return fail(*why);
  std::set<TaskId> named;
  for (const Advance& advance : advances_) named.insert(advance.task);
  for (const auto& [task, changes] : states_)
    if (!changes->list().empty()) named.insert(task);
  for (const TaskId& task : named)
    TRY_IN(prepare_task(task), fmt::format("checkpoint of task '{}'", task.value()));
  return {};
}

Result<> KafkaCommit::prepare_task(const TaskId& task) {
  const auto opened = writer_.tasks_.find(task);
  if (opened == writer_.tasks_.end())
    return fail(ErrorCode::failed_precondition,
                fmt::format("task '{}' was not opened by this writer: restore() comes first",
                            task.value()));
  const TaskFacts& facts = opened->second;
  Update& update = updates_.try_emplace(task, *facts.open).first->second;
  for (Advance& advance : advances_)
    if (advance.task == task) update.changes.advance(advance.from, std::move(advance.next));
  const auto state = states_.find(task);
  if (state != states_.end() && !state->second->list().empty()) {
    if (facts.place.is_alone)
      return fail(ErrorCode::unsupported, "only tasks named <name>/<number> keep state on Kafka");
    for (const StateChange& change : state->second->list())
      if (change.value)
        update.changes.put(change.key, *change.value);
      else
        update.changes.erase(change.key);
  }
  if (!facts.place.is_alone)
    TRY(ensure_changelog(writer_.core_, facts.place, facts.place.partition + 1));
  TopicIds ids(writer_.core_.topics, TopicIds::Ask::once);
  update.sealed = TRY(update.changes.seal(writer_.core_.options.identity, ids.of()));
  return ids.answer();
}

Result<> KafkaCommit::write(Producer& producer) {
  for (const auto& [to, batch] : records_) {
    rd_kafka_topic_t& topic = *TRY(producer.handle_of(to.topic.text()));
    for (std::size_t i = 0; i < batch.size(); ++i)
      TRY(producer.produce(topic, to.partition, batch[i]));
  }
  for (const auto& [task, update] : updates_)
    TRY_IN(write_task(producer, task, update),
           fmt::format("checkpoint of task '{}'", task.value()));
  return {};
}

Result<> KafkaCommit::write_task(Producer& producer, const TaskId& task, const Update& update) {
  const TaskPlace& place = writer_.tasks_.at(task).place;
  const auto state = states_.find(task);
  if (state != states_.end()) TRY(write_state(producer, place, *state->second));
  if (!place.is_alone) TRY(writer_.write_checkpoint(producer, place, update.sealed->bytes));
  TRY(writer_.mirror(producer, place, *update.sealed));
  return writer_.prove_member(producer, place);
}

Result<> KafkaCommit::write_state(Producer& producer, const TaskPlace& place,
                                  const Changes& changes) {
  if (changes.list().empty()) return {};
  rd_kafka_topic_t& changelog = *TRY(producer.handle_of(place.changelog));
  const data::TimestampMs now_ms = system_clock().now_ms();
  for (const StateChange& change : changes.list()) {
    const ByteBuffer key = state_record_key(change.key);
    RecordView record{.key = key, .value = std::nullopt, .timestamp_ms = now_ms};
    if (change.value) record.value = *change.value;
    TRY(producer.produce(changelog, place.partition, record));
  }
  return {};
}

void KafkaCommit::take_over_updates() {
  for (const TopicRef& topic : topics_) writer_.core_.fresh.note(topic->spec.name);
  for (auto& [task, update] : updates_) {
    update.changes.apply();
    const TaskPlace& place = writer_.tasks_.at(task).place;
    const OpenTask& open = update.changes.task();
    if (!place.is_alone) writer_.core_.progress.note(task, open.checkpoint.commit, open.hash);
    if (!place.is_alone) writer_.core_.fresh.note(changelog_of(place).topic);
  }
}

}  // namespace penstock::topics::kafka
