#include <csignal>
#include <future>

#include "topics/kafka/test_broker.h"
#include "topics/test_log.h"

namespace penstock::topics::kafka {
namespace {

constexpr std::chrono::seconds kGenerous{90};

// The broker's process stands still: its connections stay, and nothing is answered.
class SilentBroker {
 public:
  SilentBroker() : pid_(std::atoi(std::getenv("PENSTOCK_KAFKA_PID"))) { ::kill(pid_, SIGSTOP); }
  ~SilentBroker() { speak(); }
  void speak() { ::kill(pid_, SIGCONT); }

 private:
  const int pid_;
};

// Whether it returned while the broker was silent.
bool ends(SilentBroker& broker, const std::function<void()>& work) {
  auto done = std::async(std::launch::async, work);
  const bool in_time = done.wait_for(kGenerous) == std::future_status::ready;
  broker.speak();
  done.get();
  return in_time;
}

class KafkaSilentBroker : public testing::Test {
 protected:
  void SetUp() override {
    if (test_bootstrap() == nullptr || std::getenv("PENSTOCK_KAFKA_PID") == nullptr)
      GTEST_SKIP() << "runs with tools/kafka/with_broker.py topics_test";
    log_ = must(open_kafka_log(test_options("silent")));
    (void)log_->create({place_.topic, 1, false});
    writer_ = must(log_->writer(WriterId("writer")));
    must(writer_->restore(TaskId("silent/0"), [](ByteView, ByteView) {}));
  }
  std::unique_ptr<Commit> begin() {
    auto commit = must(writer_->begin());
    must(commit->append(place_, values({"one", "two"})));
    commit->advance(TaskId("silent/0"), place_, LogPosition{0});
    return commit;
  }
  // What a successor finds: all of the commit or nothing.
  void check_successor(std::size_t before) {
    log_ = must(open_kafka_log(test_options("silent")));
    writer_ = must(log_->writer(WriterId("writer")));
    const std::size_t records = read_all(*log_, place_).size();
    EXPECT_TRUE(records == before || records == before + 2) << records;
    must_commit(*writer_, place_, {"after"});
    EXPECT_EQ(read_all(*log_, place_).size(), records + 1);
  }

  const TopicPartition place_ = at("silent", 0);
  std::unique_ptr<Log> log_;
  std::unique_ptr<Writer> writer_;
};

TEST_F(KafkaSilentBroker, CommitsThatSomebodyWaitsForAreGivenUp) {
  const std::size_t before = read_all(*log_, place_).size();
  auto commit = begin();
  SilentBroker broker;
  commit->start();
  CommitResult result;
  EXPECT_TRUE(ends(broker, [&] {
    result = commit->finish();
    commit.reset();
    writer_.reset();
    log_.reset();
  }));
  EXPECT_NE(result.outcome, Outcome::committed);
  EXPECT_NE(result.outcome, Outcome::fenced);
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->code(), ErrorCode::unavailable) << result.error->text();
  check_successor(before);
}

TEST_F(KafkaSilentBroker, WhatIsDestroyedWaitsForNoAbort) {
  const std::size_t before = read_all(*log_, place_).size();
  auto commit = begin();
  SilentBroker broker;
  EXPECT_TRUE(ends(broker, [&] {
    commit.reset();
    writer_.reset();
    log_.reset();
  }));
  check_successor(before);
}

TEST_F(KafkaSilentBroker, TheEndOfTheLogEndsCallsUnderWay) {
  SilentBroker broker;
  auto writer =
      std::async(std::launch::async, [&] { return log_->writer(WriterId("b")).has_value(); });
  auto shape =
      std::async(std::launch::async, [&] { return log_->describe(place_.topic).has_value(); });
  auto restore = std::async(std::launch::async, [&] {
    return writer_->restore(TaskId("silent/0"), [](ByteView, ByteView) {}).has_value();
  });
  log_->end_by(std::chrono::steady_clock::now() + std::chrono::milliseconds(300));
  EXPECT_TRUE(ends(broker, [&] {
    EXPECT_FALSE(writer.get());
    EXPECT_FALSE(shape.get());
    EXPECT_FALSE(restore.get());
    writer_.reset();
    log_.reset();
  }));
}

class Listener final : public MembershipListener {
 public:
  void on_revoked(bool) override {}
  void on_assigned(const Membership&) override { assigned_.set_value(); }
  void on_expelled(const Error&) override {}
  void wait() { assigned_.get_future().wait(); }

 private:
  std::promise<void> assigned_;
};

TEST_F(KafkaSilentBroker, MembersLeave) {
  KafkaOptions options = test_options("silent_members");
  options.sharing = KafkaSharing{};
  auto log = must(open_kafka_log(std::move(options)));
  Listener listener;
  auto member = must(log->join(listener));
  listener.wait();
  SilentBroker broker;
  EXPECT_TRUE(ends(broker, [&] {
    member.reset();
    log.reset();
  }));
}

}  // namespace
}  // namespace penstock::topics::kafka
