#include "topics/kafka/kafka_log.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <fmt/format.h>

#include "base/check.h"
#include "topics/commit_limits.h"
#include "topics/kafka/bundle.h"
#include "topics/kafka/changelog_replica.h"
#include "topics/kafka/connection_config.h"
#include "topics/kafka/core.h"
#include "topics/kafka/kafka_reader.h"
#include "topics/kafka/kafka_writer.h"
#include "topics/kafka/limits.h"
#include "topics/kafka/members.h"
#include "topics/kafka/task_names.h"
#include "topics/kafka/undecided.h"

namespace penstock::topics {
namespace kafka {
namespace {

constexpr std::chrono::milliseconds kLookAfterEvery{200};
constexpr int kTopicsEvery = 25;  // of those: how often all topics are looked at

std::vector<std::int32_t> all_of(const TopicFacts& topic) {
  std::vector<std::int32_t> partitions(static_cast<std::size_t>(topic.spec.partitions));
  for (std::size_t i = 0; i < partitions.size(); ++i) partitions[i] = static_cast<std::int32_t>(i);
  return partitions;
}

class KafkaLog final : public Log {
 public:
  KafkaLog(KafkaOptions options, std::unique_ptr<LastCall> last, std::unique_ptr<Admin> admin)
      : core_(std::move(options), std::move(last), std::move(admin)) {
    if (core_.options.sharing) replica_ = std::make_unique<ChangelogReplica>(*this, core_);
    look_after_ = std::thread([this] { look_after(); });
  }
  ~KafkaLog() override {
    ending_ = true;
    end_by(std::chrono::steady_clock::now() + kClosePatience);
    replica_.reset();
    core_.fresh.settle_all();
    end_by(std::chrono::steady_clock::now());
    look_after_.join();
  }

  Result<> create(const TopicSpec& spec) override;
  Result<TopicInfo> describe(const TopicName& name) override;
  Result<std::vector<TopicName>> list() override;
  Result<> remove(const TopicName& name) override;
  Result<> set_retention(const TopicName& name, const Retention& retention) override;
  Result<> trim(const TopicPartition& at, Offset before, bool unread) override;
  std::optional<std::int32_t> partitions_seen(const TopicName& name) override {
    TopicRef topic = core_.topics.seen(name);
    return topic == nullptr ? std::nullopt : std::optional(topic->spec.partitions);
  }
  Result<std::map<std::int32_t, Undecided>> undecided(const TopicName& name) override;
  Result<> grow(const TopicName& name, std::int32_t partitions) override;
  Result<> expect_tasks(const std::string& name, std::int32_t tasks) override;
  Result<std::unique_ptr<Reader>> reader(const TopicPartition& from, Offset start,
                                         ReadCheck check) override;
  Result<std::unique_ptr<Writer>> writer(const WriterId& id) override {
    TRY(check_id(id));
    return TRY(KafkaWriter::start(*this, core_, replica_.get(), id, bundles_.own(core_, id)));
  }
  Result<std::unique_ptr<Writer>> task_writer(const WriterId& id) override {
    if (core_.options.sharing) return writer(id);
    TRY(check_id(id));
    return TRY(KafkaWriter::start(*this, core_, replica_.get(), id, bundles_.shared(core_, id)));
  }
  Result<bool> wait(std::span<Reader* const> readers, Deadline deadline) override;
  void wake() override {
    wakes_.fetch_add(1);
    core_.waiters.notify();
  }
  void end_by(Deadline deadline) override { core_.last->at_latest(deadline); }
  Result<std::unique_ptr<Membership>> join(MembershipListener& listener) override {
    if (!core_.options.sharing) return std::unique_ptr<Membership>();
    return TRY(Members::join(core_, listener));
  }
  LogFigures figures() const override { return core_.figures.now(); }
  Result<std::optional<ServiceProgress>> progress() override {
    return TRY(core_.progress.read(*this, core_));
  }

 private:
  void look_after();
  Result<std::vector<PartitionInfo>> ranges(const TopicFacts& topic);
  Result<PartitionInfo> range_for(const TopicPartition& from, Offset start);
  Result<> forget_positions(const TopicFacts& topic);
  Result<> check_read(const TopicPartition& at, Offset before);

  Core core_;
  Bundles bundles_;
  std::unique_ptr<ChangelogReplica> replica_;
  std::atomic<std::uint64_t> wakes_ = 0;
  std::atomic<bool> ending_ = false;
  std::thread look_after_;
};

Result<> KafkaLog::create(const TopicSpec& spec) {
  TRY(check_spec(spec));
  TopicSettings settings = {
      {"message.timestamp.type", "CreateTime"},
      // Times of rows may lie ahead: a record is not refused for its time.
      {"message.timestamp.after.max.ms", std::to_string(INT64_MAX)},
      {"max.message.bytes", std::to_string(kRecordBytesMax + kRecordOverheadBytes)}};
  // Kept as files keep them: event times may be old, and by time Kafka would delete such records.
  if (spec.compacted) settings.emplace("cleanup.policy", "compact");
  settings.merge(settings_of(spec.retention));
  Result<> made =
      core_.admin->create(spec.name.text(), spec.partitions, core_.options.replication, settings);
  if (!made && made.error().code() == ErrorCode::already_exists)
    return fail(topic_exists(spec.name));
  TRY(made);
  TRY(core_.topics.look(spec.name));
  return {};
}

Result<TopicInfo> KafkaLog::describe(const TopicName& name) {
  TopicRef topic = TRY(core_.topics.look(name));
  return TopicInfo{topic->spec, TRY(ranges(*topic)), topic->rules};
}

Result<std::vector<PartitionInfo>> KafkaLog::ranges(const TopicFacts& topic) {
  const std::vector<std::int32_t> all = all_of(topic);
  const std::string& name = topic.spec.name.text();
  TRY(core_.fresh.settle(topic.spec.name, all));
  std::vector<Offset> first = TRY(core_.admin->offsets(name, all, Admin::Which::first));
  std::vector<Offset> end = TRY(core_.admin->offsets(name, all, Admin::Which::committed_end));
  std::vector<PartitionInfo> out;
  for (std::size_t i = 0; i < all.size(); ++i) out.push_back({first[i], end[i]});
  return out;
}

Result<std::vector<TopicName>> KafkaLog::list() {
  std::vector<TopicName> out;
  for (const std::string& text : TRY(core_.admin->topics())) {
    if (is_internal(core_.options.service_id, text)) continue;
    if (auto name = TopicName::parse(text)) out.push_back(*std::move(name));
  }
  return out;
}

Result<> KafkaLog::remove(const TopicName& name) {
  TopicRef topic = TRY(core_.topics.look(name));
  TRY(core_.admin->remove(name.text()));
  core_.topics.forget(name);
  core_.waiters.notify();
  return forget_positions(*topic);
}

Result<std::map<std::int32_t, Undecided>> KafkaLog::undecided(const TopicName& name) {
  const std::vector<std::int32_t> all = all_of(*TRY(core_.topics.find(name)));
  TRY(core_.fresh.settle(name, all));
  const Patience patience(*core_.last, kQuestionPatience);
  return find_undecided(*core_.admin, core_.options, name, all, patience);
}

Result<> KafkaLog::grow(const TopicName& name, std::int32_t partitions) {
  TopicRef topic = TRY(core_.topics.look(name));
  if (topic->spec.partitions >= partitions) return {};
  Result<> grown = core_.admin->grow(name.text(), partitions);
  // Unless another process has added them meanwhile.
  topic = TRY(core_.topics.look(name));
  return topic->spec.partitions >= partitions ? Result<>() : grown;
}

Result<> KafkaLog::expect_tasks(const std::string& name, std::int32_t tasks) {
  const TaskId last(fmt::format("{}/{}", name, tasks - 1));
  return ensure_changelog(core_, TRY(place_of(core_.options.service_id, last)), tasks);
}

Result<> KafkaLog::forget_positions(const TopicFacts& topic) {
  for (const std::string& group : TRY(core_.admin->groups())) {
    if (!group.starts_with(core_.options.service_id + ".")) continue;
    Result<> forgotten =
        core_.admin->forget_offsets(group, topic.spec.name.text(), topic.spec.partitions);
    // A group that never read it, or that is gone.
    if (!forgotten && forgotten.error().code() != ErrorCode::not_found) return forgotten;
  }
  return {};
}

Result<> KafkaLog::set_retention(const TopicName& name, const Retention& retention) {
  TRY(check_retention(retention));
  TRY(core_.topics.look(name));
  TRY(core_.admin->set(name.text(), settings_of(retention)));
  // Brokers hear of it a moment later. Whoever asks next is to see it; if somebody else has set
  // another one meanwhile, that is seen.
  const Patience patience(*core_.last, kAbsencePatience);
  for (;;) {
    core_.topics.doubt(name);
    TopicRef topic = TRY(core_.topics.look(name));
    if (topic->spec.retention == retention || patience.is_over()) return {};
    std::this_thread::sleep_for(kPropagation);
  }
}

Result<> KafkaLog::trim(const TopicPartition& at, Offset before, bool unread) {
  TopicRef topic = TRY(core_.topics.look(at.topic));
  TRY(check_partition(topic->spec, at.partition));
  TRY(check_start(at, before, TRY(range_for(at, before))));
  if (!unread) TRY(check_read(at, before));
  return core_.admin->trim(at.topic.text(), at.partition, before);
}

// By the positions that consumer groups show: those of our tasks, and of other programs too.
Result<> KafkaLog::check_read(const TopicPartition& at, Offset before) {
  for (const std::string& group : TRY(core_.admin->groups()))
    for (const GroupOffset& offset : TRY(core_.admin->settled_offsets(group, {&at, 1})))
      if (offset.next < before) return fail(records_unread(at, before, TaskId(group), offset.next));
  return {};
}

Result<std::unique_ptr<Reader>> KafkaLog::reader(const TopicPartition& from, Offset start,
                                                 ReadCheck check) {
  TopicRef topic = TRY(core_.topics.find(from.topic));
  TRY(check_partition(topic->spec, from.partition));
  TRY(check_start(from, start, TRY(range_for(from, start))));
  auto place = TRY(core_.consumers.take(from, check));
  return TRY(KafkaReader::start({*core_.admin, core_.topics, core_.figures, core_.waiters},
                                std::move(place), std::move(topic), from, start));
}

// What the partition holds. A leader that has just taken over may know a shorter end than the one
// before it told us, for a moment.
Result<PartitionInfo> KafkaLog::range_for(const TopicPartition& from, Offset start) {
  constexpr std::chrono::seconds kLeaderPatience{3};
  constexpr std::chrono::milliseconds kPause{50};
  const std::string& name = from.topic.text();
  std::int32_t one = from.partition;
  TRY(core_.fresh.settle(from.topic, {&one, 1}));
  Offset first = TRY(core_.admin->offsets(name, {&one, 1}, Admin::Which::first)).front();
  auto give_up = std::chrono::steady_clock::now() + kLeaderPatience;
  for (;;) {
    Offset end = TRY(core_.admin->offsets(name, {&one, 1}, Admin::Which::committed_end)).front();
    bool out_of_range = start < first || start > end;
    if (!out_of_range) return PartitionInfo{first, end};
    if (start >= first && std::chrono::steady_clock::now() < give_up) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    (void)core_.figures.note(
        "offset_lost", from,
        fmt::format("offset {} of partition {}/{} is asked for, which holds {} to {}: records were "
                    "deleted before they were read (retention), or the topic was truncated",
                    start, name, one, first, end));
    return PartitionInfo{first, end};
  }
}

Result<bool> KafkaLog::wait(std::span<Reader* const> readers, Deadline deadline) {
  auto ready = [&] {
    bool any = false;
    for (Reader* reader : readers) any = static_cast<KafkaReader*>(reader)->ready() || any;
    return any;
  };
  std::uint64_t wakes = wakes_;
  for (;;) {
    std::uint64_t count = core_.waiters.count();
    if (ready()) return true;
    if (wakes != wakes_) return false;
    if (core_.last->is_over()) return fail(ErrorCode::cancelled, "the log is being closed");
    if (!core_.waiters.wait_for_another(count, std::min(deadline, core_.last->at())))
      return ready();
  }
}

// Serves callbacks, and notices topics that were removed or made again by others.
void KafkaLog::look_after() {
  for (int round = 1; !ending_; ++round) {
    std::this_thread::sleep_for(kLookAfterEvery);
    core_.admin->look_after();
    core_.consumers.look_after();
    if (round % kTopicsEvery == 0) core_.topics.look_at_all();
  }
}

}  // namespace
}  // namespace kafka

Result<std::unique_ptr<Log>> open_kafka_log(KafkaOptions options) {
  CHECK(options.identity.key != nullptr);
  if (options.connection.bootstrap.empty())
    return fail(ErrorCode::invalid_argument, "Kafka: no bootstrap address: expected HOST:PORT,...");
  TRY(check_bootstrap(options.connection.bootstrap));
  TRY_IN(TopicName::parse(options.service_id), "Kafka: the service id");
  if (options.connection.certificate.empty() != options.connection.private_key.empty())
    return fail(ErrorCode::invalid_argument,
                "Kafka: certificate and private key go together: one of them is missing");
  auto last = std::make_unique<kafka::LastCall>();
  auto admin = TRY(kafka::Admin::connect(options, *last));
  return std::make_unique<kafka::KafkaLog>(std::move(options), std::move(last), std::move(admin));
}

}  // namespace penstock::topics
