#include "topics/kafka/kafka_writer.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "topics/commit_limits.h"
#include "topics/kafka/changelog_replica.h"
#include "topics/kafka/kafka_commit.h"
#include "topics/kafka/limits.h"
#include "topics/kafka/position_mark.h"

namespace penstock::topics::kafka {
namespace {

constexpr std::string_view kForgotten = "-";

TopicPartition changelog_of(const TaskPlace& place) {
  return {*TopicName::parse(place.changelog), place.partition};
}

}  // namespace

Result<std::unique_ptr<KafkaWriter>> KafkaWriter::start(Log& log, Core& core,
                                                        ChangelogReplica* replica,
                                                        const WriterId& id) {
  std::unique_ptr<KafkaWriter> writer(new KafkaWriter(log, core, replica, id));
  writer->producer_ = TRY(Producer::start(core.options, id));
  return writer;
}

KafkaWriter::~KafkaWriter() {
  if (producer_ != nullptr && producer_->is_dead() && !producer_->is_fenced())
    core_.figures.count_restart();
}

Result<std::vector<TaskPosition>> KafkaWriter::positions(const TaskId& task) {
  TaskFacts& facts = *TRY(facts_of(task));
  std::vector<TaskPosition> out;
  for (const auto& [from, next] : facts.positions) {
    // A topic that was removed has taken its positions along.
    Result<TopicRef> topic = core_.topics.find(from.topic);
    if (topic)
      out.push_back({from, LogPosition{next}});
    else if (topic.error().code() != ErrorCode::not_found)
      return fail(topic.error());
  }
  return out;
}

// Other tasks of the group commit all the while, so only this one's partitions are waited for. A
// first position is not listed while its transaction ends, so the topics in use are asked for too.
Result<std::vector<GroupOffset>> KafkaWriter::stored_positions(const TaskPlace& place) {
  std::set<TopicPartition> wanted;
  for (GroupOffset& listed : TRY(core_.admin->group_offsets(place.group)))
    if (place.is_alone || listed.from.partition == place.partition)
      wanted.insert(std::move(listed.from));
  for (TopicName& topic : core_.topics.known()) wanted.insert({std::move(topic), place.partition});
  return core_.admin->settled_offsets(place.group,
                                      std::vector<TopicPartition>(wanted.begin(), wanted.end()));
}

Result<std::map<TopicPartition, Offset>> KafkaWriter::read_positions(const TaskPlace& place) {
  std::map<TopicPartition, Offset> out;
  for (GroupOffset& stored : TRY(stored_positions(place))) {
    std::optional<PositionMark> mark = parse_mark(stored.metadata);
    if (mark && (mark->task != place.partition || mark->topic_id == kForgotten)) continue;
    Result<TopicRef> topic = core_.topics.look(stored.from.topic);
    if (!topic && topic.error().code() == ErrorCode::not_found) continue;
    if (!topic) return fail(topic.error());
    if (!mark) {  // set by hand: for the task of its partition
      log::warning("a position was set from outside",
                   {{"group", log::Public(place.group)},
                    {"topic", log::Public(stored.from.topic.text())},
                    {"partition", stored.from.partition},
                    {"offset", stored.next}});
    } else if (mark->topic_id != (*topic)->id) {
      return fail(core_.figures.note(
          "topic_recreated", stored.from,
          fmt::format(
              "topic '{}' was deleted and made again: the positions of group '{}' belong to "
              "the former one. If that was meant, delete the group (kafka-consumer-groups "
              "--delete --group {}) and the query starts at the new topic's beginning",
              stored.from.topic.text(), place.group, place.group)));
    }
    out.insert_or_assign(stored.from, stored.next);
  }
  return out;
}

Result<ChangelogContent> KafkaWriter::read_state(const TaskPlace& place) {
  std::uint64_t commits_min = 0;
  for (const GroupOffset& stored : TRY(stored_positions(place)))
    if (auto mark = parse_mark(stored.metadata); mark && mark->task == place.partition)
      commits_min = std::max(commits_min, mark->state_commits);
  ChangelogContent content;
  TopicPartition at = changelog_of(place);
  Result<TopicInfo> info = log_.describe(at.topic);
  if (!info && info.error().code() != ErrorCode::not_found) return fail(info.error());
  if (info && !info->spec.compacted)
    return fail(ErrorCode::failed_precondition,
                fmt::format("topic '{}' holds states but its cleanup.policy is not 'compact': set "
                            "it (kafka-configs --alter), else Kafka deletes them",
                            place.changelog));
  auto partition = static_cast<std::size_t>(place.partition);
  if (info && partition < info->partitions.size()) {
    const PartitionInfo& range = info->partitions[partition];
    Offset from = range.first;
    if (replica_ != nullptr) from = std::max(from, replica_->lend(at, content));
    std::unique_ptr<Reader> reader = TRY(log_.reader(at, std::min(from, range.end)));
    TRY(read_changelog(log_, *reader, range.end, at, content));
  }
  TRY(content.check(at, commits_min, core_.figures));
  return content;
}

Result<TaskFacts*> KafkaWriter::facts_of(const TaskId& task) {
  auto found = tasks_.find(task);
  if (found != tasks_.end()) return &found->second;
  TaskPlace place = TRY(place_of(core_.options.service_id, task));
  std::map<TopicPartition, Offset> positions = TRY(read_positions(place));
  ChangelogContent content = TRY(read_state(place));
  TaskFacts facts{std::move(place), std::move(positions), content.balance()};
  return &tasks_.insert_or_assign(task, std::move(facts)).first->second;
}

Result<Checkpoint> KafkaWriter::restore(const TaskId& task, const StateVisitor& visitor) {
  Checkpoint out{.task = task};
  for (TaskPosition& position : TRY(positions(task)))
    out.set(position.from, std::move(position.position));
  TaskFacts& facts = *TRY(facts_of(task));
  ChangelogContent content = TRY(read_state(facts.place));
  for (const auto& [key, value] : content.entries()) visitor(key, value);
  return out;
}

Result<> KafkaWriter::reset(const TaskId&, std::vector<TaskPosition>) {
  return fail(ErrorCode::unsupported, "positions can't be reset here yet");
}

Result<> KafkaWriter::ensure_changelog(const TaskPlace& place, std::int32_t partitions) {
  TopicName name = changelog_of(place).topic;
  Result<TopicRef> topic = core_.topics.find(name);
  if (topic && (*topic)->spec.partitions > place.partition) return {};
  if (topic) {  // unless another task's writer has added them meanwhile
    Result<> grown = core_.admin->grow(name.text(), partitions);
    TopicRef now = TRY(core_.topics.look(name));
    return now->spec.partitions > place.partition ? Result<>() : grown;
  }
  if (topic.error().code() != ErrorCode::not_found) return fail(topic.error());
  Result<> made = core_.admin->create(name.text(), partitions, core_.options.replication,
                                      {{"cleanup.policy", "compact"},
                                       {"message.timestamp.type", "CreateTime"},
                                       {"max.message.bytes", std::to_string(kMessageBytesMax)},
                                       {"min.cleanable.dirty.ratio", "0.1"}});
  if (!made && made.error().code() != ErrorCode::already_exists) return made;
  TRY(core_.topics.look(name));
  return {};
}

Result<> KafkaWriter::forget(const TaskId& task) {
  if (open_) return fail(commit_is_open(id_));
  if (producer_->is_fenced()) return fail(fenced_error(id_));
  std::vector<TaskPosition> positions = TRY(this->positions(task));
  const TaskFacts facts = *TRY(facts_of(task));
  const TaskPlace& place = facts.place;
  ChangelogContent content = TRY(read_state(place));
  if (positions.empty() && content.entries().empty()) return {};
  TRY(producer_->begin());
  ChangelogSum left = facts.balance.sum();
  Result<> done = [&]() -> Result<> {
    ChangelogUpdate update(facts.balance);
    rd_kafka_topic_t* changelog = nullptr;  // which is there if it has entries
    if (!content.entries().empty()) changelog = TRY(producer_->handle_of(place.changelog));
    data::TimestampMs now_ms = system_clock().now_ms();
    for (const auto& [key, value] : content.entries()) {
      ByteBuffer record_key = state_record_key(key);
      TRY(producer_->produce(*changelog, place.partition,
                             {.key = record_key, .value = std::nullopt, .timestamp_ms = now_ms}));
      update.erase(key);
    }
    if (!content.entries().empty()) {
      ByteBuffer sum = to_record(update.sum());
      TRY(producer_->produce(*changelog, place.partition,
                             {.key = sum_record_key(), .value = sum, .timestamp_ms = now_ms}));
      left = update.sum();
    }
    std::vector<Producer::Position> forgotten;
    for (const TaskPosition& position : positions)
      forgotten.push_back(
          {position.from, 0, to_text({place.partition, left.commits, std::string(kForgotten)})});
    if (!forgotten.empty()) TRY(producer_->send_offsets(place.group, forgotten));
    return {};
  }();
  if (!done) {
    producer_->abort();
    return done;
  }
  CommitResult result = producer_->commit();
  if (result.outcome != Outcome::committed) return fail(*result.error);
  core_.fresh.note(changelog_of(place).topic);
  tasks_.insert_or_assign(task, TaskFacts{place, {}, ChangelogBalance({}, left.commits)});
  return {};
}

Result<std::unique_ptr<Commit>> KafkaWriter::begin() {
  if (open_) return fail(commit_is_open(id_));
  if (producer_->is_fenced()) return fail(fenced_error(id_));
  if (producer_->is_dead())
    return fail(ErrorCode::unavailable,
                fmt::format("writer '{}' must be opened again: what became of its last commit is "
                            "not known",
                            id_.value()));
  open_ = true;
  return std::make_unique<KafkaCommit>(*this);
}

}  // namespace penstock::topics::kafka
