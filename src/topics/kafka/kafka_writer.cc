#include "topics/kafka/kafka_writer.h"

#include <algorithm>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/clock.h"
#include "topics/commit_limits.h"
#include "topics/kafka/changelog_replica.h"
#include "topics/kafka/kafka_commit.h"
#include "topics/kafka/limits.h"
#include "topics/kafka/position_mark.h"
#include "topics/kafka/undecided.h"

namespace penstock::topics::kafka {
namespace {

// In front of the checkpoint of a task without a changelog.
constexpr std::string_view kAloneMark = "penstock2 checkpoint ";

// A few records at once, and nothing to be prepared.
class OneWrite final : public Contribution {
 public:
  explicit OneWrite(const std::function<Result<>(Producer&)>& write) : write_(write) {}
  Result<> prepare() override { return {}; }
  Result<> write(Producer& producer) override { return write_(producer); }
  std::size_t bytes() const override { return 0; }

 private:
  const std::function<Result<>(Producer&)>& write_;
};

}  // namespace

Result<std::unique_ptr<KafkaWriter>> KafkaWriter::start(Log& log, Core& core,
                                                        ChangelogReplica* replica,
                                                        const WriterId& id,
                                                        std::shared_ptr<Bundle> bundle) {
  std::unique_ptr<KafkaWriter> writer(new KafkaWriter(log, core, replica, id, std::move(bundle)));
  writer->seat_ = TRY(writer->bundle_->open(
      id, [&](const std::vector<WriterId>& all) { return writer->check_still_ours(all); }));
  return writer;
}

// Taking an id would fence whoever has the tasks now.
Result<> KafkaWriter::check_still_ours(const std::vector<WriterId>& writers) const {
  if (core_.generation.is_refused())
    return fail(ErrorCode::fenced,
                "the processes that share tasks have gone on without this one; it takes none until "
                "it gets its share again");
  for (const WriterId& writer : writers) {
    for (const TaskId& task : core_.opened.of(writer)) {
      const TaskPlace place = TRY(place_of(core_.options.service_id, task));
      const std::optional<Checkpoint> newest = TRY(newest_checkpoint(place, task));
      if (newest) TRY(core_.opened.check(writer, task, newest->incarnation));
    }
  }
  return {};
}

// Commits write it behind the state, so it is near the end. Not verified: nothing is taken from it.
Result<std::optional<Checkpoint>> KafkaWriter::newest_checkpoint(const TaskPlace& place,
                                                                 const TaskId& task) const {
  constexpr Offset kTail = 16, kFurther = 64;
  const TopicPartition at = changelog_of(place);
  Result<TopicInfo> info = log_.describe(at.topic);
  if (!info && info.error().code() == ErrorCode::not_found) return std::nullopt;
  if (!info) return fail(info.error());
  if (static_cast<std::size_t>(at.partition) >= info->partitions.size()) return std::nullopt;
  const PartitionInfo& range = info->partitions[static_cast<std::size_t>(at.partition)];
  for (Offset back = kTail;; back *= kFurther) {
    const Offset from = std::max(range.first, range.end - back);
    std::unique_ptr<Reader> reader = TRY(log_.reader(at, from));
    ChangelogContent content;
    TRY(read_changelog(log_, *reader, range.end, at, content));
    if (content.checkpoint()) return TRY(read_checkpoint(*content.checkpoint(), task));
    if (from == range.first) return std::nullopt;
  }
}

// Other tasks of the group commit all the while, so only this one's partitions are waited for. A
// first position is not listed while its transaction ends, so the topics in use are asked for too.
Result<std::vector<GroupOffset>> KafkaWriter::mirror_of(const TaskPlace& place) {
  std::set<TopicPartition> wanted;
  for (GroupOffset& listed : TRY(core_.admin->group_offsets(place.group)))
    if (place.is_alone || listed.from.partition == place.partition)
      wanted.insert(std::move(listed.from));
  for (TopicName& topic : core_.topics.known()) wanted.insert({std::move(topic), place.partition});
  return core_.admin->settled_offsets(place.group,
                                      std::vector<TopicPartition>(wanted.begin(), wanted.end()));
}

Result<ChangelogContent> KafkaWriter::read_changelog_of(const TaskPlace& place) {
  ChangelogContent content;
  TopicPartition at = changelog_of(place);
  Result<TopicInfo> info = log_.describe(at.topic);
  if (!info && info.error().code() == ErrorCode::not_found) return content;
  if (!info) return fail(info.error());
  if (!info->spec.compacted)
    return fail(ErrorCode::failed_precondition,
                fmt::format("topic '{}' holds states but its cleanup.policy is not 'compact': set "
                            "it (kafka-configs --alter), else Kafka deletes them",
                            place.changelog));
  auto partition = static_cast<std::size_t>(place.partition);
  if (partition >= info->partitions.size()) return content;
  // Transactions of others that were open are decided while we read, each time fewer: processes
  // that shared the tasks, and were killed.
  for (int reading = 0; reading < kReadingsMax; ++reading) {
    content = {};
    const Extent extent = TRY(extent_of(at, kSettlePatience));
    const PartitionInfo& range = extent.committed;
    Offset from = range.first;
    if (replica_ != nullptr) from = std::max(from, replica_->lend(at, content));
    std::unique_ptr<Reader> reader = TRY(log_.reader(at, std::min(from, range.end)));
    TRY(read_changelog(log_, *reader, range.end, at, content));
    if (extent.is_settled() || TRY(take_undecided(at, extent, content))) return content;
  }
  return fail(
      ErrorCode::unavailable,
      fmt::format("the changelog '{}' partition {} keeps changing while it is read: another "
                  "process works on the task",
                  at.topic.text(), at.partition));
}

Result<KafkaWriter::Extent> KafkaWriter::extent_of(const TopicPartition& changelog,
                                                   std::chrono::milliseconds patience) {
  const std::string& topic = changelog.topic.text();
  const std::int32_t one = changelog.partition;
  auto ask = [&](Admin::Which which) -> Result<Offset> {
    return TRY(core_.admin->offsets(topic, {&one, 1}, which)).front();
  };
  Extent extent{.committed = {}, .written = TRY(ask(Admin::Which::end))};
  const Patience settling(*core_.last, patience);
  for (;;) {
    extent.committed.end = TRY(ask(Admin::Which::committed_end));
    if (extent.is_settled() || settling.is_over()) break;
    std::this_thread::sleep_for(kPropagation);
  }
  extent.committed.first = TRY(ask(Admin::Which::first));
  return extent;
}

// The id's initialisation has ended the predecessor's transaction. If its marker does not come, the
// brokers have lost it, and ours will end it with what we commit next: so it counts as committed.
// That is what it is, as far as anybody was told. False: it is another's, which is decided now.
Result<bool> KafkaWriter::take_undecided(const TopicPartition& changelog, const Extent& extent,
                                         ChangelogContent& content) {
  ChangelogContent with = content;
  bool is_ours = false, is_others = false;
  const Patience patience(*core_.last, kQuestionPatience);
  TRY(read_undecided(core_.options, changelog, extent.committed.end, extent.written, patience,
                     [&](const RecordView& record, std::optional<std::string_view> writer) {
                       if (writer) (*writer == transactional_ ? is_ours : is_others) = true;
                       return with.take(record);
                     }));
  if (is_ours && !is_others) {
    (void)core_.figures.note(
        "marker_lost", changelog,
        fmt::format("the brokers have lost the end of the last transaction of '{}': {} records "
                    "from offset {} on. It counts as committed and is ended with the next one; in "
                    "other topics its records appear with the next ones of their partition",
                    transactional_, extent.written - extent.committed.end, extent.committed.end));
    content = std::move(with);
    return true;
  }
  if (TRY(extent_of(changelog, core_.options.transaction_timeout)).is_settled()) return false;
  return fail(ErrorCode::unavailable,
              fmt::format("a transaction of another writer is open in the changelog '{}' partition "
                          "{}: {} records from offset {} on are not decided, and the task is not "
                          "taken up before they are (kafka-transactions.sh find-hanging shows "
                          "whose they are)",
                          changelog.topic.text(), changelog.partition,
                          extent.written - extent.committed.end, extent.committed.end));
}

Result<> KafkaWriter::check_idle() const {
  if (open_) return fail(commit_is_open(id_));
  return bundle_->check(seat_);
}

Result<TaskFacts> KafkaWriter::read_task(const TaskId& task, const StateVisitor& visitor) {
  TaskPlace place = TRY(place_of(core_.options.service_id, task));
  if (place.is_alone) {
    auto open = TRY(read_alone(task, place));
    return TaskFacts{std::move(place), std::move(open)};
  }
  const std::uint64_t commits_min = commit_in_mirror(place, TRY(mirror_of(place)));
  const ChangelogContent content = TRY(read_changelog_of(place));
  for (const auto& [key, value] : content.entries()) visitor(key, value);
  TopicIds ids(core_.topics, TopicIds::Ask::now);
  auto open = verified_task(task, place, content, commits_min, core_.options.identity, ids.of(),
                            core_.figures);
  if (open) TRY(ids.answer());
  return TaskFacts{std::move(place), TRY(std::move(open))};
}

Result<std::unique_ptr<OpenTask>> KafkaWriter::read_alone(const TaskId& task,
                                                          const TaskPlace& place) {
  std::optional<ByteBuffer> newest;
  std::uint64_t commit = 0;
  for (const GroupOffset& stored : TRY(mirror_of(place))) {
    if (!stored.metadata.starts_with(kAloneMark)) continue;
    ByteBuffer sealed = TRY(from_base64(stored.metadata.substr(kAloneMark.size())));
    const Checkpoint read = TRY(read_checkpoint(sealed, task));
    if (read.commit <= commit) continue;
    commit = read.commit;
    newest = std::move(sealed);
  }
  TopicIds ids(core_.topics, TopicIds::Ask::now);
  auto open = TRY(TaskOpening(core_.options.identity, task).finish(newest, ids.of()));
  TRY(ids.answer());
  return open;
}

Result<Checkpoint> KafkaWriter::restore(const TaskId& task, const StateVisitor& visitor) {
  TRY(check_idle());
  TaskFacts facts = TRY(read_task(task, visitor));
  TRY(core_.opened.check(id_, task, facts.open->checkpoint.incarnation));
  TRY(core_.progress.check(task, facts.open->checkpoint.commit));
  if (facts.place.is_alone)  // nothing is stored before its first commit
    kernel_random(facts.open->checkpoint.incarnation);
  else
    TRY(commit_opening(facts));
  return tasks_.insert_or_assign(task, std::move(facts)).first->second.open->checkpoint;
}

Result<> KafkaWriter::commit_opening(TaskFacts& facts) {
  OpenTask& open = *facts.open;
  const TaskId task = open.checkpoint.task;
  SealedCheckpoint next = opening_checkpoint(open, core_.options.identity, kernel_random, 0);
  TRY(ensure_changelog(core_, facts.place, facts.place.partition + 1));
  core_.opened.expect(id_, task, {open.checkpoint.incarnation, next.checkpoint.incarnation});
  TRY(transact([&](Producer& producer) -> Result<> {
    TRY(write_checkpoint(producer, facts.place, next.bytes));
    TRY(mirror(producer, facts.place, next));
    return prove_member(producer, facts.place);
  }));
  core_.opened.expect(id_, task, {next.checkpoint.incarnation});
  open.checkpoint = std::move(next.checkpoint);
  open.hash = next.hash;
  core_.progress.note(task, open.checkpoint.commit, open.hash);
  core_.fresh.note(changelog_of(facts.place).topic);
  return {};
}

Result<> KafkaWriter::prove_member(Producer& producer, const TaskPlace& place) {
  const Generation::Ref generation = core_.generation.now();
  if (generation == nullptr || place.is_alone) return {};
  const TopicName topic = TRY(TopicName::parse(members_topic(core_.options.service_id)));
  Result<> proved =
      producer.prove_member(*generation, {{topic, place.partition % kSlots}, 0, std::string()});
  if (!proved && proved.error().code() == ErrorCode::fenced)
    core_.generation.note_refused(generation);
  return proved;
}

Result<> ensure_changelog(Core& core, const TaskPlace& place, std::int32_t partitions) {
  TopicName name = changelog_of(place).topic;
  Result<TopicRef> topic = core.topics.find(name);
  if (topic && (*topic)->spec.partitions > place.partition) return {};
  if (topic) {  // unless another task's writer has added them meanwhile
    Result<> grown = core.admin->grow(name.text(), partitions);
    TopicRef now = TRY(core.topics.look(name));
    return now->spec.partitions > place.partition ? Result<>() : grown;
  }
  if (topic.error().code() != ErrorCode::not_found) return fail(topic.error());
  Result<> made = core.admin->create(name.text(), partitions, core.options.replication,
                                     {{"cleanup.policy", "compact"},
                                      {"message.timestamp.type", "CreateTime"},
                                      {"max.message.bytes", std::to_string(kMessageBytesMax)},
                                      {"min.cleanable.dirty.ratio", "0.1"}});
  if (!made && made.error().code() != ErrorCode::already_exists) return made;
  TRY(core.topics.look(name));
  return {};
}

Result<> KafkaWriter::write_checkpoint(Producer& producer, const TaskPlace& place,
                                       ByteView sealed) {
  rd_kafka_topic_t& changelog = *TRY(producer.handle_of(place.changelog));
  ByteBuffer headers;
  append_header(headers, {.name = kWriterHeader, .value = as_bytes(transactional_)});
  return producer.produce(changelog, place.partition,
                          {.key = checkpoint_record_key(),
                           .value = sealed,
                           .timestamp_ms = system_clock().now_ms(),
                           .headers = headers});
}

Result<> KafkaWriter::erase_state(Producer& producer, const TaskPlace& place,
                                  const ChangelogContent& content) {
  if (content.entries().empty()) return {};
  rd_kafka_topic_t& changelog = *TRY(producer.handle_of(place.changelog));
  const data::TimestampMs now_ms = system_clock().now_ms();
  for (const auto& [key, value] : content.entries()) {
    const ByteBuffer record_key = state_record_key(key);
    TRY(producer.produce(changelog, place.partition,
                         {.key = record_key, .value = std::nullopt, .timestamp_ms = now_ms}));
  }
  return {};
}

// Positions in topics that are there; those of other sources have no offset to show.
Result<> KafkaWriter::mirror(Producer& producer, const TaskPlace& place,
                             const SealedCheckpoint& sealed) {
  const Checkpoint& checkpoint = sealed.checkpoint;
  const std::string mark = place.is_alone ? std::string(kAloneMark) + to_base64(sealed.bytes)
                                          : to_text({place.partition, checkpoint.commit});
  std::vector<Producer::Position> offsets;
  for (const TaskPosition& position : checkpoint.positions) {
    const auto* at = std::get_if<LogPosition>(&position.position);
    if (at != nullptr && core_.topics.find(position.from.topic))
      offsets.push_back({position.from, at->next, mark});
  }
  if (offsets.empty()) return {};
  return producer.send_offsets(place.group, offsets);
}

Result<> KafkaWriter::transact(const std::function<Result<>(Producer&)>& write) {
  OneWrite one(write);
  const Bundle::Ref entry = bundle_->submit(seat_, one);
  const CommitResult result =
      bundle_->finish(entry, std::chrono::steady_clock::now() + kFinishPatience);
  if (result.outcome == Outcome::committed) return {};
  return fail(*result.error);
}

Result<> KafkaWriter::reset(const TaskId& task, std::vector<TaskPosition> positions) {
  TRY(check_idle());
  TaskPlace place = TRY(place_of(core_.options.service_id, task));
  if (place.is_alone)
    return fail(ErrorCode::invalid_argument,
                fmt::format("task '{}' is none of a query", task.value()));
  const ChangelogContent content = TRY(read_changelog_of(place));
  TopicIds ids(core_.topics, TopicIds::Ask::now);
  const SealedCheckpoint next = TRY(
      reset_checkpoint(task, std::move(positions), content.checkpoint(), core_.options.identity,
                       ids.of(), kernel_random, 0, commit_in_mirror(place, TRY(mirror_of(place)))));
  TRY(ids.answer());
  TRY(ensure_changelog(core_, place, place.partition + 1));
  TRY(transact([&](Producer& producer) -> Result<> {
    TRY(erase_state(producer, place, content));
    TRY(write_checkpoint(producer, place, next.bytes));
    return mirror(producer, place, next);
  }));
  core_.opened.expect(id_, task, {next.checkpoint.incarnation});
  core_.progress.note(task, next.checkpoint.commit, next.hash);
  tasks_.erase(task);
  core_.fresh.note(changelog_of(place).topic);
  return {};
}

Result<> KafkaWriter::forget(const TaskId& task) {
  TRY(check_idle());
  TaskPlace place = TRY(place_of(core_.options.service_id, task));
  const std::vector<GroupOffset> stored = TRY(mirror_of(place));
  ChangelogContent content;
  if (!place.is_alone) content = TRY(read_changelog_of(place));
  const bool has_changelog = content.checkpoint() || !content.entries().empty();
  std::vector<Producer::Position> forgotten;
  for (const GroupOffset& offset : stored)
    if (place.is_alone || parse_mark(offset.metadata))
      forgotten.push_back({offset.from, 0, to_text({place.partition, 0})});
  tasks_.erase(task);
  core_.opened.forget(id_, task);
  if (!has_changelog && forgotten.empty()) return {};
  TRY(transact([&](Producer& producer) -> Result<> {
    TRY(erase_state(producer, place, content));
    if (has_changelog) {
      rd_kafka_topic_t& changelog = *TRY(producer.handle_of(place.changelog));
      TRY(producer.produce(changelog, place.partition,
                           {.key = checkpoint_record_key(),
                            .value = std::nullopt,
                            .timestamp_ms = system_clock().now_ms()}));
    }
    if (forgotten.empty()) return {};
    return producer.send_offsets(place.group, forgotten);
  }));
  core_.progress.forget(task);
  if (has_changelog) core_.fresh.note(changelog_of(place).topic);
  return {};
}

Result<std::unique_ptr<Commit>> KafkaWriter::begin() {
  TRY(check_idle());
  open_ = true;
  return std::make_unique<KafkaCommit>(*this);
}

}  // namespace penstock::topics::kafka
