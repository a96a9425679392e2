// Record headers: on to the sink, into the dead letters, and records with more than is taken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/test_folder.h"
#include "engine/runtime.h"
#include "engine/test_keys.h"
#include "engine/test_plans.h"
#include "engine/test_topics.h"
#include "sql/operator_names.h"
#include "topics/embedded_log.h"
#include "topics/limits.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using topics::Header;

Header header_of(std::string name, std::optional<std::string_view> value) {
  Header header{std::move(name), std::nullopt};
  if (value) header.value = to_buffer(as_bytes(*value));
  return header;
}

std::string numbered(std::int64_t n) {
  return fmt::format(R"({{"N":{}}})", n);
}

// Repeated, null, empty, binary, and one that claims to be ours.
const std::vector<Header> kMixed = {
    header_of("a", "1"), header_of("a", std::nullopt),  header_of("a", "1"),
    header_of("", ""),   header_of("\xff", "\x01\x02"), header_of("penstock.reason", "none")};
const std::vector<Header> kMixedCarriedOn = {
    header_of("a", "1"),           header_of("a", std::nullopt),
    header_of("a", "1"),           header_of("", ""),
    header_of("\xff", "\x01\x02"), header_of("foreign.penstock.reason", "none")};

class HeadersTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() == std::string_view("memory"))
      log_ = topics::make_memory_log(topics::test_identity());
    else
      log_ = topics::EmbeddedLog::open(
                 {.folder = folder_.path(), .serve = false, .identity = topics::test_identity()})
                 .value();
    for (std::string_view topic : {"in", "out", "in.grants"}) make_topic(*log_, topic);
    runtime_ = start_runtime(*log_, &keys_, {}).value();
  }
  // Rows with N > 0, N + 1 of them, into a sink with this rule.
  void run(std::optional<sql::HeaderRule> rule = std::nullopt, sql::SealSpec from = {},
           sql::SealSpec to = {}) {
    sql::StreamInfo info = stream("S", "in", kNumbers);
    info.seal = std::move(from);
    auto positive = filter(source(std::move(info)),
                           call(sql::op::kGreater, list(column(kBigint, 0), bigint(0))));
    auto raised = project(std::move(positive),
                          NamedExpr{"N", call(sql::op::kAdd, list(column(kBigint, 0), bigint(1)))});
    sql::PlanPtr plan = sink(std::move(raised), "T", "out", std::move(to));
    std::get<sql::SinkStep>(plan->step).stream.headers = rule;
    Result<> started = runtime_->start_query(kQuery, std::move(plan), StartAt::earliest);
    ASSERT_TRUE(started) << started.error().text();
    drain();
  }
  void drain() {
    Result<> drained = runtime_->drain();
    ASSERT_TRUE(drained) << drained.error().text();
  }
  std::vector<TestRecord> letters() { return read_topic(*log_, "Q.dead_letters"); }

  TemporaryFolder folder_;
  std::unique_ptr<topics::Log> log_;
  seal::KeyRing keys_ = make_keys({"in", "out"});
  std::unique_ptr<Runtime> runtime_;
};

INSTANTIATE_TEST_SUITE_P(Logs, HeadersTest, testing::Values("memory", "embedded"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(HeadersTest, OfAPlainTopicBelongToTheRowsThatAreLeft) {
  produce(*log_, "in", {{.value = numbered(1)}, {.value = numbered(2)}});
  produce(*log_, "in",
          {{.value = numbered(-1), .header_list = {header_of("dropped", "x")}},
           {.value = numbered(3), .header_list = kMixed},
           {.value = numbered(4)},
           {.value = numbered(5), .header_list = {header_of("five", "5")}}});
  run();
  auto records = read_topic(*log_, "out");
  ASSERT_EQ(records.size(), 5u);
  EXPECT_THAT(read_values(*log_, "out"),
              ElementsAre(numbered(2), numbered(3), numbered(4), numbered(5), numbered(6)));
  EXPECT_THAT(records[0].header_list, IsEmpty());
  EXPECT_THAT(records[1].header_list, IsEmpty());
  EXPECT_THAT(records[2].header_list, ElementsAreArray(kMixedCarriedOn));
  EXPECT_THAT(records[3].header_list, IsEmpty());
  EXPECT_THAT(records[4].header_list, ElementsAre(header_of("five", "5")));
}

TEST_P(HeadersTest, AreDroppedWhereTheSinkSaysSo) {
  produce(*log_, "in", {{.value = numbered(1), .header_list = kMixed}});
  run(sql::HeaderRule::drop);
  ASSERT_EQ(read_topic(*log_, "out").size(), 1u);
  EXPECT_THAT(read_topic(*log_, "out")[0].header_list, IsEmpty());
}

TEST_P(HeadersTest, OfASealedTopicPassOnlyWhereTheSinkSaysSo) {
  for (std::optional<sql::HeaderRule> rule :
       {std::optional<sql::HeaderRule>(), std::optional(sql::HeaderRule::pass)}) {
    TestProducer producer(*log_, "in", keys_);
    producer.publish_grant();
    produce(*log_, "in",
            {{.value = producer.seal(numbered(1), 5), .timestamp_ms = 5, .header_list = kMixed}});
    run(rule, kSealed, kSealed);
    std::vector<TestRecord> records = read_topic(*log_, "out");
    ASSERT_FALSE(records.empty());
    EXPECT_EQ(records.back().header_list, rule ? kMixedCarriedOn : std::vector<Header>());
    ASSERT_TRUE(runtime_->stop_query(kQuery, false));
  }
  EXPECT_EQ(open_topic(*log_, "out", keys_).size(), 2u);
}

TEST_P(HeadersTest, AreWholeInDeadLettersBehindOurs) {
  produce(*log_, "in", {{.key = "k", .value = "{", .timestamp_ms = 7, .header_list = kMixed}});
  run();
  std::vector<TestRecord> seen = letters();
  ASSERT_EQ(seen.size(), 1u);
  std::vector<Header> expected = {header_of("penstock.origin_topic", "in"),
                                  header_of("penstock.origin_partition", "0"),
                                  header_of("penstock.reason", "malformed_json"),
                                  header_of("penstock.query", "Q"),
                                  header_of("penstock.origin_offset", "0"),
                                  header_of("penstock.origin_timestamp_ms", "7")};
  expected.insert(expected.end(), kMixedCarriedOn.begin(), kMixedCarriedOn.end());
  EXPECT_EQ(seen[0].header_list, expected);
}

TEST_P(HeadersTest, BeyondTheLimitMakeADeadLetterAndTheQueryGoesOn) {
  std::vector<Header> most(topics::kHeadersMax, header_of("n", "v"));
  std::vector<Header> more(topics::kHeadersMax + 1, header_of("n", "v"));
  produce(*log_, "in",
          {{.value = numbered(1), .header_list = most},
           {.value = numbered(2), .header_list = more},
           {.value = numbered(3)}});
  run();
  auto records = read_topic(*log_, "out");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].header_list, most);
  auto seen = letters();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].value, numbered(2));
  EXPECT_EQ(seen[0].headers["penstock.reason"], "too_many_headers");
  EXPECT_EQ(seen[0].headers["penstock.headers_truncated"], "9");
  EXPECT_EQ(seen[0].header_list.size(), 6 + (more.size() - 9) + 1);
  produce(*log_, "in", {{.value = numbered(4)}});
  drain();
  EXPECT_EQ(read_topic(*log_, "out").size(), 3u);
}

// Also where they are not carried on: what a record may have does not depend on the sink.
TEST_P(HeadersTest, BeyondTheLimitAreRefusedAlsoWhereTheyAreDropped) {
  std::vector<Header> many(70'000, header_of("n", std::nullopt));
  produce(*log_, "in", {{.value = numbered(1), .header_list = many}, {.value = numbered(2)}});
  run(sql::HeaderRule::drop);
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(numbered(3)));
  auto seen = letters();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].headers["penstock.headers_truncated"], std::to_string(70'000 - 248));
}

TEST_P(HeadersTest, ThatAreNoneMakeADeadLetter) {
  ByteBuffer packed = topics::pack_headers({header_of("a", "1"), header_of("b", "2")});
  packed.pop_back();
  {
    auto writer = log_->writer(topics::WriterId("hostile")).value();
    auto commit = writer->begin().value();
    topics::RecordBatch batch;
    batch.append({std::nullopt, as_bytes(numbered(1)), 0, packed});
    batch.append({std::nullopt, as_bytes(numbered(2)), 0, {}});
    ASSERT_TRUE(commit->append({topic_name("in"), 0}, batch));
    ASSERT_EQ(commit->finish().outcome, topics::Outcome::committed);
  }
  run();
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(numbered(3)));
  auto seen = letters();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].headers["penstock.reason"], "malformed_headers");
  EXPECT_EQ(seen[0].headers["a"], "1");
  EXPECT_EQ(seen[0].headers["penstock.headers_truncated"], "1");
}

TEST_P(HeadersTest, GiveWayToTheValueOfADeadLetterThatWouldBeTooLarge) {
  std::vector<Header> large = {header_of("small", "1"), header_of("large", std::string(600, 'h')),
                               header_of("small", "2")};
  std::string value(topics::kRecordBytesMax - 800, 'x');
  produce(*log_, "in", {{.value = value, .header_list = large}});
  run();
  auto seen = letters();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].value, value);
  EXPECT_EQ(seen[0].headers["small"], "1");
  EXPECT_EQ(seen[0].headers["penstock.headers_truncated"], "2");
}

}  // namespace
}  // namespace penstock::engine
