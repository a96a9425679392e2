#include "topics/kafka/bundle.h"

#include <atomic>
#include <future>
#include <thread>

#include "topics/kafka/test_broker.h"
#include "topics/test_log.h"

namespace penstock::topics::kafka {
namespace {

const WriterId kOne("one"), kOther("other");

Result<> may_take(const std::vector<WriterId>&) {
  return {};
}

// One record, and what a test does to it.
class OneRecord final : public Contribution {
 public:
  OneRecord(const TopicPartition& to, std::string value) : to_(to), value_(std::move(value)) {}
  Result<> prepare() override { return {}; }
  Result<> write(Producer& producer) override {
    ++written;
    written.notify_all();
    rd_kafka_topic_t& topic = *TRY(producer.handle_of(to_.topic.text()));
    TRY(producer.produce(topic, to_.partition,
                         {.key = std::nullopt, .value = as_bytes(value_), .timestamp_ms = 1}));
    std::this_thread::sleep_for(delay);
    if (held_.valid()) held_.wait();
    return outcome;
  }
  std::size_t bytes() const override { return value_.size(); }

  // Its first writing stops in the middle until it is let go.
  void hold() { held_ = gate_.get_future().share(); }
  void let_go() { gate_.set_value(); }
  void wait_until_written() const { written.wait(0); }

  std::atomic<int> written = 0;
  std::chrono::milliseconds delay{0};
  Result<> outcome = {};

 private:
  const TopicPartition to_;
  const std::string value_;
  std::promise<void> gate_;
  std::shared_future<void> held_;
};

class KafkaBundle : public testing::Test {
 protected:
  void SetUp() override {
    if (test_bootstrap() == nullptr)
      GTEST_SKIP() << "runs with tools/kafka/with_broker.py topics_test";
    log_ = must(open_kafka_log(options()));
    must(log_->create({place_.topic, 1, false}));
    auto last = std::make_unique<LastCall>();
    auto admin = must(Admin::connect(options(), *last));
    core_ = std::make_unique<Core>(options(), std::move(last), std::move(admin));
  }
  void TearDown() override {
    if (log_ != nullptr) must(log_->remove(place_.topic));
  }
  static KafkaOptions options() {
    KafkaOptions options = test_options("bundles");
    options.transaction_timeout = std::chrono::seconds(1);
    return options;
  }
  static Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(20); }
  std::vector<std::string> committed() { return read_all(*log_, place_); }

  const TopicPartition place_ = at("bundled", 0);
  std::unique_ptr<Log> log_;
  std::unique_ptr<Core> core_;
};

// Whoever waits while another transaction is written shares the next one.
TEST_F(KafkaBundle, OneThatFailsTakesNoOtherAlong) {
  Bundle bundle(*core_, WriterId("bundle"));
  const Bundle::Seat one = must(bundle.open(kOne, may_take));
  const Bundle::Seat other = must(bundle.open(kOther, may_take));
  OneRecord first(place_, "first"), good(place_, "good"), bad(place_, "bad");
  first.hold();
  bad.outcome = fail(ErrorCode::invalid_argument, "bad by itself");
  const auto before = bundle.submit(one, first);
  first.wait_until_written();
  const auto shared = bundle.submit(one, good), guilty = bundle.submit(other, bad);
  first.let_go();
  EXPECT_EQ(bundle.finish(guilty, soon()).outcome, Outcome::aborted);
  EXPECT_EQ(bundle.finish(guilty, soon()).error->code(), ErrorCode::invalid_argument);
  EXPECT_EQ(bundle.finish(shared, soon()).outcome, Outcome::committed);
  EXPECT_EQ(bundle.finish(before, soon()).outcome, Outcome::committed);
  EXPECT_EQ(good.written, 2) << "once beside the bad one, once alone";
  EXPECT_EQ(committed(), (std::vector<std::string>{"first", "good"}));
}

// The brokers end a transaction whose time is over by the same means as a newer writer does.
TEST_F(KafkaBundle, TransactionThatTookTooLongIsNotMistakenForANewerWriter) {
  Bundle bundle(*core_, WriterId("slow"));
  const Bundle::Seat one = must(bundle.open(kOne, may_take));
  const Bundle::Seat other = must(bundle.open(kOther, may_take));
  OneRecord late(place_, "late"), again(place_, "again");
  late.delay = std::chrono::seconds(4);  // brokers look every second
  const CommitResult result = bundle.finish(bundle.submit(one, late), soon());
  EXPECT_NE(result.outcome, Outcome::committed);
  EXPECT_NE(result.outcome, Outcome::fenced);
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->code(), ErrorCode::unavailable) << result.error->text();
  EXPECT_EQ(code_of(bundle.check(other)), ErrorCode::unavailable) << "all writers of it";

  const Bundle::Seat anew = must(bundle.open(kOne, may_take));
  EXPECT_EQ(bundle.finish(bundle.submit(anew, again), soon()).outcome, Outcome::committed);
  EXPECT_EQ(code_of(bundle.check(one)), ErrorCode::fenced) << "by its own successor";
  EXPECT_EQ(committed(), std::vector<std::string>{"again"});
}

TEST_F(KafkaBundle, NewerOneElsewhereFencesAllWriters) {
  Bundle bundle(*core_, WriterId("moved"));
  const Bundle::Seat one = must(bundle.open(kOne, may_take));
  const Bundle::Seat other = must(bundle.open(kOther, may_take));
  Bundle elsewhere(*core_, WriterId("moved"));
  const Bundle::Seat there = must(elsewhere.open(kOne, may_take));
  OneRecord never(place_, "never"), moved(place_, "moved");
  EXPECT_EQ(bundle.finish(bundle.submit(one, never), soon()).outcome, Outcome::fenced);
  EXPECT_EQ(code_of(bundle.check(other)), ErrorCode::fenced);
  EXPECT_EQ(elsewhere.finish(elsewhere.submit(there, moved), soon()).outcome, Outcome::committed);
  EXPECT_EQ(code_of(bundle.open(kOne,
                                [](const auto& writers) -> Result<> {
                                  EXPECT_EQ(writers.size(), 2u) << "who is asked whether it may";
                                  return fail(ErrorCode::fenced, "another process has them");
                                })),
            ErrorCode::fenced);
  EXPECT_EQ(committed(), std::vector<std::string>{"moved"});
}

TEST_F(KafkaBundle, WhatWasDroppedInTheQueueIsNotWritten) {
  Bundle bundle(*core_, WriterId("dropped"));
  const Bundle::Seat one = must(bundle.open(kOne, may_take));
  OneRecord first(place_, "first"), dropped(place_, "dropped");
  first.hold();
  const auto before = bundle.submit(one, first);
  first.wait_until_written();
  const auto entry = bundle.submit(one, dropped);
  bundle.drop(entry, soon());
  first.let_go();
  EXPECT_EQ(bundle.finish(before, soon()).outcome, Outcome::committed);
  EXPECT_EQ(dropped.written, 0);
}

}  // namespace
}  // namespace penstock::topics::kafka
