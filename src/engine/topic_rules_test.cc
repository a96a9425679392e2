// What topics ask of their records is met before a commit is filled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "engine/runtime.h"
#include "engine/test_keys.h"
#include "engine/test_plans.h"
#include "engine/test_topics.h"
#include "topics/memory_log.h"
#include "topics/test_delayed_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::HasSubstr;

const data::Schema kTexts{{{"T", kString}}};

std::string text_row(std::string_view text) {
  return fmt::format(R"({{"T":"{}"}})", text);
}

class TopicRulesTest : public testing::Test {
 protected:
  void SetUp() override {
    make_topic(*memory_, "in");
    make_topic(*memory_, "out");
    runtime_ = start_runtime(log_, &keys_, {}).value();
  }
  Result<> start(sql::SealSpec from = {}, sql::SealSpec to = {}) {
    sql::StreamInfo info = stream("S", "in", kTexts);
    info.seal = std::move(from);
    return runtime_->start_query(kQuery, sink(source(std::move(info)), "O", "out", std::move(to)),
                                 StartAt::earliest);
  }
  std::vector<std::string> reasons() {
    std::vector<std::string> out;
    for (TestRecord& letter : read_topic(*memory_, "Q.dead_letters"))
      out.push_back(letter.headers["penstock.origin_timestamp_ms"] + " " +
                    letter.headers["penstock.reason"]);
    return out;
  }

  std::unique_ptr<topics::Log> memory_ = topics::make_memory_log(topics::test_identity());
  topics::DelayedLog log_{*memory_, {.rules = {.record_bytes_max = 1000, .timestamp_ms_min = 1}}};
  seal::KeyRing keys_ = make_keys({"in", "out"});
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(TopicRulesTest, RowsThatTheSinkDoesNotTakeAreDeadLettersThatTheirTopicTakes) {
  std::string large(1000, 'x');
  produce(*memory_, "in",
          {{.value = text_row("fits"), .timestamp_ms = 1},
           {.value = text_row("early"), .timestamp_ms = 0},
           {.value = text_row("before 1970"), .timestamp_ms = -7},
           {.value = text_row(large), .timestamp_ms = 5}});
  ASSERT_TRUE(start());
  ASSERT_TRUE(runtime_->drain());
  EXPECT_THAT(read_values(*memory_, "out"), testing::ElementsAre(text_row("fits")));
  EXPECT_THAT(reasons(), testing::ElementsAre("0 timestamp_too_early", "-7 timestamp_too_early",
                                              "5 output_too_large"));
  auto letters = read_topic(*memory_, "Q.dead_letters");
  EXPECT_EQ(letters[0].timestamp_ms, 1);
  EXPECT_EQ(letters[1].timestamp_ms, 1);
  EXPECT_EQ(letters[2].timestamp_ms, 5);
  EXPECT_EQ(letters[2].value, std::nullopt);
  EXPECT_EQ(letters[2].headers["penstock.omitted"], "value");
}

TEST_F(TopicRulesTest, ARowWithoutATimestampTakesTheEarliestThatTheSinkHas) {
  produce(*memory_, "in", {{.value = text_row("a"), .timestamp_ms = -1}});
  ASSERT_TRUE(start());
  ASSERT_TRUE(runtime_->drain());
  auto records = read_topic(*memory_, "out");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].timestamp_ms, 1);
}

TEST_F(TopicRulesTest, SealedRecordsHaveRoomForTheirSeal) {
  log_.delays.rules.record_bytes_max = 2000;
  produce(*memory_, "in",
          {{.value = text_row(std::string(1500, 'x')), .timestamp_ms = 1},
           {.value = text_row(std::string(1985, 'x')), .timestamp_ms = 2}});
  Result<> started = start({}, kSealed);
  ASSERT_TRUE(started) << started.error().text();
  ASSERT_TRUE(runtime_->drain());
  EXPECT_EQ(open_topic(*memory_, "out", keys_).size(), 1u);
  EXPECT_THAT(reasons(), testing::ElementsAre("2 output_too_large"));
}

TEST_F(TopicRulesTest, NothingIsSealedWhereTimestampsAreReplaced) {
  log_.delays.rules.keeps_timestamps = false;
  for (auto [from, to] :
       {std::pair(kSealed, sql::SealSpec{}), std::pair(sql::SealSpec{}, kSealed)}) {
    Result<> started = start(from, to);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code(), ErrorCode::failed_precondition);
    EXPECT_THAT(started.error().text(), HasSubstr("message.timestamp.type=CreateTime"));
  }
  EXPECT_TRUE(start());
}

TEST_F(TopicRulesTest, ADeadLetterTopicWithTooFewPartitionsIsNamed) {
  ASSERT_TRUE(memory_->remove(topic_name("in")));
  make_topic(*memory_, "in", 3);
  make_topic(*memory_, "Q.dead_letters", 2);
  Result<> started = start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), ErrorCode::failed_precondition);
  EXPECT_THAT(started.error().text(), HasSubstr("'Q.dead_letters'"));
  EXPECT_THAT(started.error().text(), HasSubstr("2 partitions"));
}

}  // namespace
}  // namespace penstock::engine
