// Sealed topics: in, out, and what is done about records that do not open.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "engine/runtime.h"
#include "engine/test_keys.h"
#include "engine/test_plans.h"
#include "engine/test_topics.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string number(std::int64_t n) {
  return fmt::format(R"({{"N":{}}})", n);
}

sql::PlanPtr copy_plan(sql::SealSpec from_seal, sql::SealSpec to_seal) {
  sql::StreamInfo info = stream("S", "in", kNumbers);
  info.seal = std::move(from_seal);
  return sink(source(std::move(info)), "T", "out", std::move(to_seal));
}

class SealedTest : public testing::Test {
 protected:
  void SetUp() override {
    make_topic(*log_, "in");
    make_topic(*log_, "out");
    make_topic(*log_, "in.grants");
    restart();
  }
  void restart() {
    runtime_.reset();
    runtime_ = start_runtime(*log_, &keys_, {}).value();
  }
  void run(sql::PlanPtr plan) {
    Result<> started = runtime_->start_query(kQuery, std::move(plan), StartAt::earliest);
    ASSERT_TRUE(started) << started.error().text();
    drain();
  }
  void drain() {
    Result<> drained = runtime_->drain();
    ASSERT_TRUE(drained) << drained.error().text();
  }
  void append(const std::string& sealed, data::TimestampMs timestamp_ms) {
    produce(*log_, "in", {{.value = sealed, .timestamp_ms = timestamp_ms}});
  }
  std::vector<std::string> reasons() {
    std::vector<std::string> out;
    for (TestRecord& letter : read_topic(*log_, "Q.dead_letters"))
      out.push_back(letter.headers["penstock.origin_offset"] + " " +
                    letter.headers["penstock.reason"]);
    return out;
  }

  std::unique_ptr<topics::Log> log_ = topics::make_memory_log(topics::test_identity());
  seal::KeyRing keys_ = make_keys({"in", "out"});
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(SealedTest, OpensAndSeals) {
  TestProducer producer(*log_, "in", keys_);
  producer.publish_grant();
  append(producer.seal(number(1), 10), 10);
  append(producer.seal_tombstone(15), 15);
  append(producer.seal(number(2), 20), 20);
  run(copy_plan(kSealed, kSealed));
  EXPECT_THAT(open_topic(*log_, "out", keys_), ElementsAre(number(1), "<deleted>", number(2)));
  for (const std::string& value : read_values(*log_, "out"))
    EXPECT_THAT(value, Not(HasSubstr("\"N\":")));
  EXPECT_EQ(read_topic(*log_, "out.grants").size(), 1u);
  EXPECT_THAT(reasons(), IsEmpty());
}

TEST_F(SealedTest, EveryStartOfATaskSealsUnderANewEpoch) {
  TestProducer producer(*log_, "in", keys_);
  producer.publish_grant();
  for (int i = 0; i < 3; ++i) {
    append(producer.seal(number(i), i), i);
    run(copy_plan(kSealed, kSealed));
    restart();
  }
  EXPECT_THAT(open_topic(*log_, "out", keys_), ElementsAre(number(0), number(1), number(2)));
  EXPECT_EQ(read_topic(*log_, "out.grants").size(), 3u);
}

TEST_F(SealedTest, GrantsThatComeLaterAreFound) {
  TestProducer first(*log_, "in", keys_), second(*log_, "in", keys_);
  first.publish_grant();
  append(first.seal(number(1), 1), 1);
  run(copy_plan(kSealed, {}));
  second.publish_grant();
  append(second.seal(number(2), 2), 2);
  drain();
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(number(1), number(2)));
}

TEST_F(SealedTest, ARecordWithoutAGrantIsADeadLetterThatStaysSealed) {
  TestProducer granted(*log_, "in", keys_), unknown(*log_, "in", keys_);
  granted.publish_grant();
  std::string sealed = unknown.seal(number(1), 1);
  append(sealed, 1);
  append(granted.seal(number(2), 2), 2);
  run(copy_plan(kSealed, {}));
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(number(2)));
  EXPECT_THAT(reasons(),
              ElementsAre("0 " + std::string(seal::reason_code(seal::OpenOutcome::unknown_epoch))));
  EXPECT_EQ(read_topic(*log_, "Q.dead_letters")[0].value, sealed);
}

TEST_F(SealedTest, RecordsPlayedAgainAreDeadLettersAlsoAfterARestart) {
  TestProducer producer(*log_, "in", keys_);
  producer.publish_grant();
  std::string first = producer.seal(number(1), 1), second = producer.seal(number(2), 2);
  append(first, 1);
  append(second, 2);
  append(first, 1);
  run(copy_plan(kSealed, {}));
  restart();
  append(second, 2);
  append(producer.seal(number(3), 3), 3);
  run(copy_plan(kSealed, {}));
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(number(1), number(2), number(3)));
  std::string replayed(seal::reason_code(seal::OpenOutcome::replayed));
  EXPECT_THAT(reasons(), ElementsAre("2 " + replayed, "3 " + replayed));
}

TEST_F(SealedTest, ForeignBytesBareNullsAndMovedTimestampsAreDeadLetters) {
  TestProducer producer(*log_, "in", keys_);
  producer.publish_grant();
  append("{\"N\":1}", 0);
  produce(*log_, "in", {{.key = "k", .timestamp_ms = 1}});
  append(producer.seal(number(2), 2), 3);
  append(producer.seal("not json", 4), 4);
  append(producer.seal(number(5), 5), 5);
  run(copy_plan(kSealed, {}));
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(number(5)));
  auto code = [](seal::OpenOutcome outcome) { return std::string(seal::reason_code(outcome)); };
  EXPECT_THAT(reasons(),
              testing::UnorderedElementsAre("0 " + code(seal::OpenOutcome::malformed),
                                            "1 " + code(seal::OpenOutcome::bare_null),
                                            "2 " + code(seal::OpenOutcome::not_authentic),
                                            testing::StartsWith("3 ")));
}

TEST_F(SealedTest, WithoutKeysNothingSealedIsReadOrWritten) {
  seal::KeyRing empty;
  for (const seal::KeyRing* keys :
       {static_cast<const seal::KeyRing*>(nullptr), &std::as_const(empty)}) {
    runtime_ = start_runtime(*log_, keys, {}).value();
    for (auto [from, to] :
         {std::pair(kSealed, sql::SealSpec{}), std::pair(sql::SealSpec{}, kSealed)}) {
      Result<> started = runtime_->start_query(kQuery, copy_plan(from, to), StartAt::earliest);
      ASSERT_FALSE(started);
      EXPECT_EQ(started.error().code(), ErrorCode::permission_denied);
      EXPECT_THAT(started.error().text(), HasSubstr(std::string(kPolicyId)));
    }
    runtime_.reset();
  }
}

}  // namespace
}  // namespace penstock::engine
