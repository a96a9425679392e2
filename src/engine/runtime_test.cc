#include "engine/runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "engine/dead_letter.h"
#include "engine/test_plans.h"
#include "engine/test_topics.h"
#include "topics/limits.h"
#include "topics/memory_log.h"
#include "topics/partitioner.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const data::Schema kPayments{{{"CARD", kString}, {"AMOUNT", kBigint}}};
const QueryId kCsas("CSAS_OUT_1");

std::string payment(std::string_view card, std::int64_t amount) {
  return fmt::format(R"({{"CARD":"{}","AMOUNT":{}}})", card, amount);
}

// SELECT CARD, 100 / AMOUNT AS SHARE FROM PAYMENTS WHERE AMOUNT <> 7
sql::PlanPtr shares_plan(std::string_view from = "payments", std::string_view to = "out") {
  sql::PlanPtr plan = source(stream("PAYMENTS", std::string(from), kPayments));
  plan = filter(std::move(plan), call("$not_equal", list(column(kBigint, 1), bigint(7))));
  plan = project(std::move(plan), NamedExpr{"CARD", column(kString, 0)},
                 NamedExpr{"SHARE", call("$divide", list(bigint(100), column(kBigint, 1)))});
  return sink(std::move(plan), "OUT", std::string(to));
}

class RuntimeTest : public testing::Test {
 protected:
  void SetUp() override {
    make_topic(*log_, "payments");
    make_topic(*log_, "out");
    start();
  }
  void start(RuntimeOptions options = {}) {
    runtime_.reset();
    runtime_ = start_runtime(*log_, nullptr, options).value();
  }
  void run(sql::PlanPtr plan, QueryId id = kCsas, StartAt at = StartAt::earliest) {
    Result<> started = runtime_->start_query(id, std::move(plan), at);
    ASSERT_TRUE(started) << started.error().text();
  }
  void drain() {
    Result<> drained = runtime_->drain();
    ASSERT_TRUE(drained) << drained.error().text();
  }
  QueryStats stats() { return runtime_->stats().at(0); }

  std::unique_ptr<topics::Log> log_ = topics::make_memory_log(topics::test_identity());
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(RuntimeTest, FiltersAndProjects) {
  produce_values(*log_, "payments", {payment("a", 5), payment("b", 7), payment("c", 20)});
  run(shares_plan());
  drain();
  EXPECT_THAT(read_values(*log_, "out"),
              ElementsAre(R"({"CARD":"a","SHARE":20})", R"({"CARD":"c","SHARE":5})"));
  EXPECT_EQ(stats().records_in, 3u);
  EXPECT_EQ(stats().records_out, 2u);
  EXPECT_EQ(stats().dead_letters, 0u);
  EXPECT_EQ(stats().state, QueryState::running);
  ASSERT_EQ(stats().progress.size(), 1u);
  EXPECT_EQ(stats().progress[0].position, 3);
  EXPECT_EQ(stats().progress[0].end, 3);
  EXPECT_GT(stats().memory_peak_bytes, 0u);
}

TEST_F(RuntimeTest, FollowsRecordsThatComeLater) {
  run(shares_plan());
  for (int i = 1; i <= 20; ++i) {
    produce_values(*log_, "payments", {payment("x", i * 100)});
    drain();
    EXPECT_EQ(read_values(*log_, "out").size(), static_cast<std::size_t>(i));
  }
}

TEST_F(RuntimeTest, OutputsHaveTheirInputsTimestamps) {
  produce(*log_, "payments",
          {{.value = payment("a", 1), .timestamp_ms = 111},
           {.value = payment("b", 2), .timestamp_ms = 99}});
  run(shares_plan());
  drain();
  auto records = read_topic(*log_, "out");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].timestamp_ms, 111);
  EXPECT_EQ(records[1].timestamp_ms, 99);
}

TEST_F(RuntimeTest, NullsFlowThroughAndPredicatesThatAreNullDropTheRow) {
  produce_values(*log_, "payments", {R"({"CARD":null,"AMOUNT":10})", R"({"CARD":"n"})"});
  run(shares_plan());
  drain();
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(R"({"CARD":null,"SHARE":10})"));
  EXPECT_EQ(stats().dead_letters, 0u);
}

TEST_F(RuntimeTest, DeletesArePassedOverOnStreams) {
  produce(*log_, "payments", {{.key = "k"}, {.value = payment("a", 1)}});
  run(shares_plan());
  drain();
  EXPECT_EQ(read_values(*log_, "out").size(), 1u);
  EXPECT_EQ(stats().records_in, 2u);
  EXPECT_EQ(stats().dead_letters, 0u);
}

TEST_F(RuntimeTest, RecordsThatCannotBeReadOrComputedBecomeDeadLettersAsTheyCame) {
  produce(*log_, "payments",
          {{.value = payment("a", 1), .timestamp_ms = 1},
           {.key = "key", .value = "{no json", .timestamp_ms = 22},
           {.value = payment("zero", 0), .timestamp_ms = 33},
           {.value = R"({"CARD":"x","AMOUNT":"many"})", .timestamp_ms = 44},
           {.value = payment("b", 2), .timestamp_ms = 55}});
  run(shares_plan());
  drain();
  EXPECT_EQ(read_values(*log_, "out").size(), 2u);
  auto letters = read_topic(*log_, "CSAS_OUT_1.dead_letters");
  ASSERT_EQ(letters.size(), 3u);
  EXPECT_EQ(stats().dead_letters, 3u);
  EXPECT_EQ(stats().records_out, 2u);
  auto find = [&](std::string_view offset) {
    for (const TestRecord& letter : letters)
      if (letter.headers.at("penstock.origin_offset") == offset) return letter;
    return TestRecord{};
  };
  TestRecord malformed = find("1");
  EXPECT_EQ(malformed.key, "key");
  EXPECT_EQ(malformed.value, "{no json");
  EXPECT_EQ(malformed.timestamp_ms, 22);
  EXPECT_EQ(malformed.headers["penstock.origin_topic"], "payments");
  EXPECT_EQ(malformed.headers["penstock.origin_partition"], "0");
  EXPECT_EQ(malformed.headers["penstock.origin_timestamp_ms"], "22");
  EXPECT_EQ(malformed.headers["penstock.query"], "CSAS_OUT_1");
  EXPECT_EQ(malformed.headers["penstock.reason"], "malformed_json");
  EXPECT_EQ(find("2").headers["penstock.reason"], "division_by_zero");
  EXPECT_EQ(find("2").value, payment("zero", 0));
  EXPECT_EQ(find("2").key, std::nullopt);
  EXPECT_FALSE(find("3").headers["penstock.reason"].empty());
}

TEST_F(RuntimeTest, ADeadLetterThatWouldBeTooLargeKeepsItsOriginOnly) {
  std::string huge(topics::kRecordBytesMax - 10, 'x');
  produce(*log_, "payments", {{.value = huge}});
  run(shares_plan());
  drain();
  auto letters = read_topic(*log_, "CSAS_OUT_1.dead_letters");
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].value, std::nullopt);
  EXPECT_EQ(letters[0].headers["penstock.omitted"], "value");
  EXPECT_EQ(letters[0].headers["penstock.origin_offset"], "0");
}

TEST_F(RuntimeTest, GoesOnWhereItWasAfterARestart) {
  produce_values(*log_, "payments", {payment("a", 1), payment("b", 2)});
  run(shares_plan());
  drain();
  start();
  produce_values(*log_, "payments", {payment("c", 4)});
  run(shares_plan());
  drain();
  EXPECT_THAT(read_values(*log_, "out"),
              ElementsAre(HasSubstr("\"a\""), HasSubstr("\"b\""), HasSubstr("\"c\"")));
  EXPECT_EQ(stats().records_in, 1u);
}

TEST_F(RuntimeTest, LatestStartsBehindWhatIsThereAndStaysThereOverRestarts) {
  produce_values(*log_, "payments", {payment("old", 1)});
  run(shares_plan(), kCsas, StartAt::latest);
  start();  // stopped before anything came
  produce_values(*log_, "payments", {payment("new", 1)});
  run(shares_plan(), kCsas, StartAt::latest);
  drain();
  EXPECT_THAT(read_values(*log_, "out"), ElementsAre(HasSubstr("new")));
}

TEST_F(RuntimeTest, AStoppedQueryResumesUnlessForgotten) {
  produce_values(*log_, "payments", {payment("a", 1)});
  run(shares_plan());
  drain();
  ASSERT_TRUE(runtime_->stop_query(kCsas, false));
  EXPECT_THAT(runtime_->stats(), IsEmpty());
  run(shares_plan());
  drain();
  EXPECT_EQ(read_values(*log_, "out").size(), 1u);
  ASSERT_TRUE(runtime_->stop_query(kCsas, true));
  run(shares_plan());
  drain();
  EXPECT_EQ(read_values(*log_, "out").size(), 2u);
}

TEST_F(RuntimeTest, APausedQueryReadsNothingUntilItIsResumed) {
  run(shares_plan());
  ASSERT_TRUE(runtime_->pause_query(kCsas));
  EXPECT_EQ(stats().state, QueryState::paused);
  produce_values(*log_, "payments", {payment("a", 1)});
  drain();  // only running queries count
  EXPECT_THAT(read_values(*log_, "out"), IsEmpty());
  ASSERT_TRUE(runtime_->resume_query(kCsas));
  drain();
  EXPECT_EQ(read_values(*log_, "out").size(), 1u);
}

TEST_F(RuntimeTest, StateAndNamesAreChecked) {
  EXPECT_EQ(runtime_->stop_query(kCsas, false).error().code(), ErrorCode::not_found);
  run(shares_plan());
  auto again = runtime_->start_query(kCsas, shares_plan(), StartAt::earliest);
  EXPECT_EQ(again.error().code(), ErrorCode::already_exists);
  auto missing = runtime_->start_query(QueryId("Q"), shares_plan("nothing"), StartAt::earliest);
  EXPECT_EQ(missing.error().code(), ErrorCode::not_found);
  auto bad_id = runtime_->start_query(QueryId("a/b"), shares_plan(), StartAt::earliest);
  EXPECT_EQ(bad_id.error().code(), ErrorCode::invalid_argument);
  runtime_->shutdown();
  auto late = runtime_->start_query(QueryId("Q"), shares_plan(), StartAt::earliest);
  EXPECT_EQ(late.error().code(), ErrorCode::unavailable);
}

TEST_F(RuntimeTest, DrainCoversQueriesThatFeedEachOther) {
  make_topic(*log_, "middle", 2);
  make_topic(*log_, "end");
  auto copy = [](std::string_view from, std::string_view to) {
    return sink(source(stream("S", std::string(from), kPayments)), "T", std::string(to));
  };
  RuntimeOptions options;
  options.threads = 2;
  start(options);
  run(copy("middle", "end"), QueryId("B"));
  run(copy("payments", "middle"), QueryId("A"));
  for (std::size_t round = 1; round <= 20; ++round) {
    std::vector<std::string> values(100, payment("x", 1));
    produce_values(*log_, "payments", values);
    drain();
    ASSERT_EQ(read_values(*log_, "end").size(), round * 100);
  }
}

TEST_F(RuntimeTest, RecordsWithoutAKeyStayInTheirPartitionAndKeyedOnesGoToTheirKeys) {
  make_topic(*log_, "in4", 4);
  make_topic(*log_, "plain4", 4);
  make_topic(*log_, "keyed3", 3);
  for (std::int32_t p = 0; p < 4; ++p)
    produce_values(*log_, "in4", {payment(fmt::format("card{}", p), p)}, p);
  run(sink(source(stream("S", "in4", kPayments)), "T", "plain4"), QueryId("A"));
  sql::PlanPtr keyed = project(source(stream("S", "in4", kPayments)),
                               NamedExpr{"CARD", column(kString, 0), data::ColumnRole::key},
                               NamedExpr{"AMOUNT", column(kBigint, 1)});
  run(sink(std::move(keyed), "U", "keyed3"), QueryId("B"));
  drain();
  for (std::int32_t p = 0; p < 4; ++p) {
    auto records = read_partition(*log_, "plain4", p);
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].value, payment(fmt::format("card{}", p), p));
    EXPECT_EQ(records[0].key, std::nullopt);
  }
  std::size_t seen = 0;
  for (const TestRecord& record : read_topic(*log_, "keyed3")) {
    ASSERT_TRUE(record.key);
    EXPECT_EQ(record.partition, topics::partition_of(as_bytes(*record.key), 3));
    EXPECT_THAT(*record.value, testing::StartsWith(R"({"AMOUNT":)"));
    ++seen;
  }
  EXPECT_EQ(seen, 4u);
}

TEST_F(RuntimeTest, APartitionByMakesColumnsTheKey) {
  sql::PlanPtr plan = source(stream("S", "payments", kPayments));
  data::Schema rekeyed{{{"AMOUNT", kBigint, data::ColumnRole::key}, {"CARD", kString}}};
  plan = on(std::move(plan), sql::RekeyStep{}, rekeyed);
  run(sink(std::move(plan), "T", "out"));
  produce_values(*log_, "payments", {payment("a", 258)});
  drain();
  auto records = read_topic(*log_, "out");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].key, std::string("\0\0\0\0\0\0\1\2", 8));
  EXPECT_EQ(records[0].value, R"({"CARD":"a"})");
}

TEST_F(RuntimeTest, PseudoColumnsTellTimePartitionAndOffset) {
  sql::StreamInfo info = stream("S", "payments", kPayments);
  sql::PlanPtr plan = source(info);
  auto& step = std::get<sql::SourceStep>(plan->step);
  step.used = {false, false, true, true, true};
  step.pseudo = {sql::PseudoColumn::rowtime, sql::PseudoColumn::rowpartition,
                 sql::PseudoColumn::rowoffset};
  data::Type integer(data::TypeKind::integer);
  plan->schema.columns.push_back({"ROWTIME", kBigint});
  plan->schema.columns.push_back({"ROWPARTITION", integer});
  plan->schema.columns.push_back({"ROWOFFSET", kBigint});
  plan = project(std::move(plan), NamedExpr{"T", column(kBigint, 2)},
                 NamedExpr{"P", column(integer, 3)}, NamedExpr{"O", column(kBigint, 4)});
  run(sink(std::move(plan), "OUT", "out"));
  produce(*log_, "payments",
          {{.value = "{}", .timestamp_ms = 5}, {.value = "{}", .timestamp_ms = 6}});
  drain();
  EXPECT_THAT(read_values(*log_, "out"),
              ElementsAre(R"({"T":5,"P":0,"O":0})", R"({"T":6,"P":0,"O":1})"));
}

TEST_F(RuntimeTest, ATimestampColumnSetsRecordTimesOfSourceAndSink) {
  sql::StreamInfo info = stream("S", "payments", kPayments);
  info.timestamp_column = "AMOUNT";
  run(sink(source(info), "OUT", "out"));
  produce_values(*log_, "payments", {payment("a", 4711), payment("b", -1), R"({"CARD":"c"})"});
  drain();
  auto records = read_topic(*log_, "out");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].timestamp_ms, 4711);
  auto letters = read_topic(*log_, "CSAS_OUT_1.dead_letters");
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0].headers["penstock.reason"], "invalid_timestamp");
}

TEST_F(RuntimeTest, DiscardedSinksCountRowsAndMovePositions) {
  RuntimeOptions options;
  options.discard_sinks = true;
  start(options);
  produce_values(*log_, "payments", {payment("a", 5), payment("b", 7), payment("c", 0)});
  run(shares_plan());
  drain();
  EXPECT_THAT(read_values(*log_, "out"), IsEmpty());
  EXPECT_EQ(stats().records_out, 1u);
  EXPECT_EQ(stats().dead_letters, 1u);
  EXPECT_EQ(stats().progress[0].position, 3);
}

TEST_F(RuntimeTest, CommitsAtTheInputLimitAndWhenIdle) {
  RuntimeOptions options;
  options.commit.records = 1000;
  options.commit.age = std::chrono::hours(1);
  start(options);
  std::vector<std::string> values(5000, payment("a", 1));
  produce_values(*log_, "payments", values);
  run(shares_plan());
  drain();
  EXPECT_EQ(read_values(*log_, "out").size(), 5000u);
  EXPECT_GE(stats().commits, 4u);
  EXPECT_LE(stats().commits, 6u);
}

TEST_F(RuntimeTest, ARemovedSourceFailsItsQueryAndNoOther) {
  make_topic(*log_, "doomed");
  make_topic(*log_, "out2");
  run(shares_plan("doomed", "out2"), QueryId("A"));
  run(shares_plan(), QueryId("B"));
  ASSERT_TRUE(log_->remove(topic_name("doomed")));
  while (runtime_->stats()[0].state == QueryState::running) std::this_thread::yield();
  EXPECT_EQ(runtime_->stats()[0].state, QueryState::failed);
  ASSERT_TRUE(runtime_->stats()[0].error);
  EXPECT_EQ(runtime_->stats()[0].error->code(), ErrorCode::not_found);
  EXPECT_FALSE(runtime_->drain());
  produce_values(*log_, "payments", {payment("a", 1)});
  ASSERT_TRUE(runtime_->stop_query(QueryId("A"), false));
  drain();
  EXPECT_EQ(read_values(*log_, "out").size(), 1u);
}

TEST_F(RuntimeTest, ANewerTaskOfTheSameQueryFencesTheOlderOne) {
  run(shares_plan());
  auto other = start_runtime(*log_, nullptr, {}).value();
  ASSERT_TRUE(other->start_query(kCsas, shares_plan(), StartAt::earliest));
  produce_values(*log_, "payments", {payment("a", 1)});
  ASSERT_TRUE(other->drain());
  while (stats().state == QueryState::running) std::this_thread::yield();
  EXPECT_EQ(stats().error->code(), ErrorCode::fenced);
  EXPECT_EQ(read_values(*log_, "out").size(), 1u);
}

}  // namespace
}  // namespace penstock::engine
