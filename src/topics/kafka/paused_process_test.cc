#include <future>
#include <thread>

#include "topics/kafka/test_broker.h"
#include "topics/test_log.h"

namespace penstock::topics::kafka {
namespace {

const TaskId kPausedTask("paused/0");
const WriterId kPausedWriter("paused.0");

void ignore_state(ByteView, ByteView) {}

// A process of the service "paused": its log, and the writer of its one task.
struct Process {
  explicit Process(const std::string& service) {
    KafkaOptions options = test_options(service);
    options.transaction_timeout = std::chrono::seconds(1);
    log = must(open_kafka_log(std::move(options)));
  }
  Result<Checkpoint> open() {
    writer.reset();
    Result<std::unique_ptr<Writer>> opened = log->writer(kPausedWriter);
    if (!opened) return fail(opened.error());
    writer = std::move(*opened);
    return writer->restore(kPausedTask, ignore_state);
  }
  std::unique_ptr<Commit> begin(const TopicPartition& place, const std::string& value) {
    auto commit = must(writer->begin());
    must(commit->append(place, values({value})));
    commit->advance(kPausedTask, place, LogPosition{++next});
    return commit;
  }
  std::unique_ptr<Log> log;
  std::unique_ptr<Writer> writer;
  Offset next = 0;
};

class KafkaPausedProcess : public testing::Test {
 protected:
  void SetUp() override {
    if (test_bootstrap() == nullptr)
      GTEST_SKIP() << "runs with tools/kafka/with_broker.py topics_test";
  }
  // For longer than a transaction may take.
  static void pause() { std::this_thread::sleep_for(std::chrono::seconds(4)); }
};

TEST_F(KafkaPausedProcess, GivesUpWhenAnotherHasOpenedItsTask) {
  const TopicPartition place = at("paused", 0);
  Process paused("paused");
  must(paused.log->create({place.topic, 1, false}));
  EXPECT_EQ(must(paused.open()).commit, 1u) << "the opening of a new task is committed too";
  EXPECT_EQ(paused.begin(place, "first")->finish().outcome, Outcome::committed);
  auto stuck = paused.begin(place, "never");

  Process healthy("paused");
  EXPECT_EQ(must(healthy.open()).commit, 3u);
  EXPECT_EQ(healthy.begin(place, "second")->finish().outcome, Outcome::committed);
  pause();
  const CommitResult late = stuck->finish();
  EXPECT_NE(late.outcome, Outcome::committed);
  stuck.reset();
  for (int tries = 0; tries < 2; ++tries) EXPECT_EQ(code_of(paused.open()), ErrorCode::fenced);

  EXPECT_EQ(healthy.begin(place, "third")->finish().outcome, Outcome::committed);
  EXPECT_EQ(read_all(*healthy.log, place), (std::vector<std::string>{"first", "second", "third"}));
  must(healthy.log->remove(place.topic));
}

// What was gathered meanwhile has no transaction yet that could be over.
TEST_F(KafkaPausedProcess, GoesOnWhenNobodyElseCame) {
  const TopicPartition place = at("paused_alone", 0);
  Process paused("paused_alone");
  must(paused.log->create({place.topic, 1, false}));
  must(paused.open());
  auto stuck = paused.begin(place, "late");
  pause();
  EXPECT_EQ(stuck->finish().outcome, Outcome::committed);
  stuck.reset();
  must(paused.open());
  EXPECT_EQ(paused.begin(place, "again")->finish().outcome, Outcome::committed);
  EXPECT_EQ(read_all(*paused.log, place), (std::vector<std::string>{"late", "again"}));
  must(paused.log->remove(place.topic));
}

class Member final : public MembershipListener {
 public:
  void on_revoked(bool) override {}
  void on_assigned(const Membership&) override {
    if (!std::exchange(told_, true)) assigned_.set_value();
  }
  void on_expelled(const Error&) override {}
  bool wait() {
    return assigned_.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready;
  }

 private:
  bool told_ = false;
  std::promise<void> assigned_;
};

// Even before anybody has opened its task.
TEST_F(KafkaPausedProcess, OfAnOlderGenerationIsRefusedByTheBrokers) {
  const TopicPartition place = at("generations", 0);
  auto open_member = [] {
    KafkaOptions options = test_options("generations");
    options.sharing = KafkaSharing{};
    return must(open_kafka_log(std::move(options)));
  };
  auto log = open_member();
  must(log->create({place.topic, 1, false}));
  Member first;
  auto membership = must(log->join(first));
  ASSERT_TRUE(first.wait());
  auto writer = must(log->writer(kPausedWriter));
  must(writer->restore(kPausedTask, ignore_state));
  auto commit = must(writer->begin());
  must(commit->append(place, values({"in time"})));
  commit->advance(kPausedTask, place, LogPosition{1});
  EXPECT_EQ(commit->finish().outcome, Outcome::committed);
  commit = must(writer->begin());
  must(commit->append(place, values({"too late"})));
  commit->advance(kPausedTask, place, LogPosition{2});
  membership.reset();  // has left
  const CommitResult late = commit->finish();
  EXPECT_EQ(late.outcome, Outcome::fenced) << (late.error ? late.error->text() : "");
  commit.reset();
  writer.reset();
  EXPECT_EQ(code_of(log->writer(kPausedWriter)), ErrorCode::fenced);
  EXPECT_EQ(read_all(*log, place), std::vector<std::string>{"in time"});
  must(log->remove(place.topic));
}

}  // namespace
}  // namespace penstock::topics::kafka
