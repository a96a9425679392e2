#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "engine/test_plans.h"
#include "engine/test_topics.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders

constexpr std::int32_t kAllPartitions = 3;

// A log whose topics have three partitions each, of which it shows so many as it is told.
class GrowingLog final : public topics::Log {
 public:
  Result<> create(const topics::TopicSpec& spec) override {
    TRY(inner_->create({.name = spec.name, .partitions = kAllPartitions}));
    set(spec.name, spec.partitions);
    return {};
  }
  Result<topics::TopicInfo> describe(const topics::TopicName& topic) override {
    topics::TopicInfo info = TRY(inner_->describe(topic));
    info.spec.partitions = *partitions_seen(topic);
    info.partitions.resize(static_cast<std::size_t>(info.spec.partitions));
    return info;
  }
  std::optional<std::int32_t> partitions_seen(const topics::TopicName& topic) override {
    std::lock_guard lock(mutex_);
    return shown_[topic];
  }
  Result<> grow(const topics::TopicName& topic, std::int32_t partitions) override {
    if (refuses_to_grow) return fail(ErrorCode::permission_denied, "no right to add partitions");
    set(topic, partitions);
    return {};
  }
  Result<std::vector<topics::TopicName>> list() override { return inner_->list(); }
  Result<> remove(const topics::TopicName& topic) override { return inner_->remove(topic); }
  Result<std::unique_ptr<topics::Reader>> reader(const topics::TopicPartition& from,
                                                 topics::Offset start,
                                                 topics::ReadCheck check) override {
    return inner_->reader(from, start, check);
  }
  Result<std::unique_ptr<topics::Writer>> writer(const topics::WriterId& id) override {
    return inner_->writer(id);
  }
  Result<bool> wait(std::span<topics::Reader* const> readers, topics::Deadline deadline) override {
    return inner_->wait(readers, deadline);
  }
  void wake() override { inner_->wake(); }
  void set(const topics::TopicName& topic, std::int32_t partitions) {
    std::lock_guard lock(mutex_);
    shown_[topic] = partitions;
  }

  std::atomic<bool> refuses_to_grow = false;

 private:
  std::unique_ptr<topics::Log> inner_ = topics::make_memory_log(topics::test_identity());
  std::mutex mutex_;
  std::map<topics::TopicName, std::int32_t> shown_;
};

const data::Schema kGrowingSchema{{{"N", kBigint}}};

// SELECT 100 / N AS N FROM NUMBERS: of N = 0 a dead letter.
sql::PlanPtr growing_plan() {
  sql::PlanPtr plan = source(stream("NUMBERS", "in", kGrowingSchema));
  plan = project(std::move(plan),
                 NamedExpr{"N", call("$divide", list(bigint(100), column(kBigint, 0)))});
  return sink(std::move(plan), "OUT", "out");
}

class GrowingTopic : public testing::Test {
 protected:
  void SetUp() override {
    make_topic(log_, "in");
    make_topic(log_, "out");
    produce_values(log_, "in", {R"({"N":1})"}, 0);
    start();
  }
  void start() {
    runtime_.reset();
    runtime_ = start_runtime(log_, nullptr, {}).value();
  }
  void run(StartAt at) {
    Result<> started = runtime_->start_query(kQuery, growing_plan(), at);
    ASSERT_TRUE(started) << started.error().text();
  }
  void drain() {
    Result<> drained = runtime_->drain();
    ASSERT_TRUE(drained) << drained.error().text();
  }
  // Records are there before the partitions are seen.
  void grow() {
    for (std::int32_t p = 1; p < kAllPartitions; ++p)
      produce_values(log_, "in", {fmt::format(R"({{"N":{}}})", p * 10), R"({"N":0})"}, p);
    log_.set(topic_name("in"), kAllPartitions);
  }
  std::vector<std::string> out() {
    log_.set(topic_name("out"), kAllPartitions);
    std::vector<std::string> all;
    for (const TestRecord& record : read_topic(log_, "out")) all.push_back(*record.value);
    return all;
  }

  GrowingLog log_;
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(GrowingTopic, IsReadFromTheBeginningOfItsNewPartitions) {
  run(StartAt::latest);
  drain();
  grow();
  drain();
  EXPECT_THAT(out(), testing::UnorderedElementsAre(R"({"N":10})", R"({"N":5})"));
  const QueryStats stats = runtime_->stats().at(0);
  EXPECT_EQ(stats.partitions, kAllPartitions);
  EXPECT_EQ(stats.progress.size(), 3u);
  EXPECT_EQ(stats.dead_letters, 2u) << "the dead letters' topic has grown, too";
}

TEST_F(GrowingTopic, GoesOnAfterARestart) {
  run(StartAt::earliest);
  drain();
  grow();
  drain();
  start();
  run(StartAt::earliest);
  drain();
  EXPECT_THAT(out(), testing::UnorderedElementsAre(R"({"N":100})", R"({"N":10})", R"({"N":5})"));
  EXPECT_EQ(runtime_->stats().at(0).partitions, kAllPartitions);
}

TEST_F(GrowingTopic, AddedWhileNobodyReadIsReadWholeAfterwards) {
  run(StartAt::latest);
  drain();
  runtime_.reset();
  grow();
  start();
  run(StartAt::latest);
  drain();
  EXPECT_THAT(out(), testing::UnorderedElementsAre(R"({"N":10})", R"({"N":5})"));
}

TEST_F(GrowingTopic, StopsTheQueryThatCannotFollow) {
  run(StartAt::earliest);
  drain();
  log_.refuses_to_grow = true;
  grow();
  const Result<> drained = runtime_->drain();
  ASSERT_FALSE(drained);
  EXPECT_THAT(drained.error().text(), testing::HasSubstr("dead_letters"));
  EXPECT_EQ(runtime_->stats().at(0).state, QueryState::failed);
}

}  // namespace
}  // namespace penstock::engine
