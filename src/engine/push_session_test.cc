#include "engine/push_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include <fmt/format.h>

#include "engine/test_plans.h"
#include "engine/test_topics.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::ElementsAre;
using testing::IsEmpty;

topics::Deadline now() {
  return std::chrono::steady_clock::now();
}
topics::Deadline in_a_minute() {
  return now() + std::chrono::minutes(1);
}

class PushSessionTest : public testing::Test {
 protected:
  void SetUp() override { make_topic(*log_, "in", 2); }
  void feed(std::int64_t first, std::int64_t last, std::int32_t partition = 0) {
    std::vector<std::string> values;
    for (std::int64_t n = first; n <= last; ++n) values.push_back(fmt::format(R"({{"N":{}}})", n));
    produce_values(*log_, "in", values, partition);
  }
  std::unique_ptr<PushQuery> push(sql::PlanPtr plan, StartAt start, bool until_end) {
    return runtime_->push(std::shared_ptr<const sql::PlanNode>(std::move(plan)), start, until_end)
        .value();
  }
  sql::PlanPtr numbers() { return source(stream("S", "in", kNumbers)); }
  static std::vector<std::int64_t> taken(const PushQuery::Rows& rows) {
    std::vector<std::int64_t> out;
    for (const PushQuery::Row& row : rows.rows) out.push_back(std::get<std::int64_t>(row.at(0)));
    return out;
  }

  std::unique_ptr<topics::Log> log_ = topics::make_memory_log(topics::test_identity());
  std::unique_ptr<Runtime> runtime_ = start_runtime(*log_, nullptr, {}).value();
};

TEST_F(PushSessionTest, UntilEndGivesWhatWasThereAtTheStartAndNoMore) {
  feed(1, 3);
  feed(10, 11, 1);
  auto query = push(numbers(), StartAt::earliest, true);
  feed(4, 4);  // too late
  std::vector<std::int64_t> all;
  for (bool done = false; !done;) {
    PushQuery::Rows rows = query->next(2, in_a_minute());
    EXPECT_LE(rows.rows.size(), 2u);
    for (std::int64_t n : taken(rows)) all.push_back(n);
    done = rows.done;
    EXPECT_FALSE(rows.error);
    EXPECT_FALSE(rows.limit_reached);
  }
  EXPECT_THAT(all, testing::UnorderedElementsAre(1, 2, 3, 10, 11));
  EXPECT_TRUE(query->next(2, now()).done);
}

TEST_F(PushSessionTest, AnEmptyTopicEndsAtOnce) {
  EXPECT_TRUE(push(numbers(), StartAt::earliest, true)->next(10, in_a_minute()).done);
}

TEST_F(PushSessionTest, LimitEndsTheQuery) {
  feed(1, 10);
  auto query = push(limit(numbers(), 3), StartAt::earliest, false);
  PushQuery::Rows rows = query->next(100, in_a_minute());
  EXPECT_THAT(taken(rows), ElementsAre(1, 2, 3));
  EXPECT_TRUE(rows.done);
  EXPECT_TRUE(rows.limit_reached);
  EXPECT_TRUE(push(limit(numbers(), 0), StartAt::latest, false)->next(1, in_a_minute()).done);
}

TEST_F(PushSessionTest, RowsAsJsonAreTheSameRows) {
  feed(1, 5);
  produce_values(*log_, "in", {R"({"N":null})"}, 0);
  auto query = push(limit(numbers(), 6), StartAt::earliest, false);
  ASSERT_TRUE(query->give_json());
  std::vector<std::string> all;
  for (bool done = false; !done;) {
    PushQuery::Rows rows = query->next(4, in_a_minute());
    EXPECT_THAT(rows.rows, IsEmpty());
    EXPECT_LE(rows.json_rows.size(), 4u);
    for (auto& row : rows.json_rows) all.push_back(std::move(row.columns));
    done = rows.done;
    EXPECT_EQ(rows.limit_reached, done);
  }
  EXPECT_THAT(all, ElementsAre("[1]", "[2]", "[3]", "[4]", "[5]", "[null]"));
}

TEST_F(PushSessionTest, LimitCountsRowsThatPassTheFilter) {
  feed(1, 2000);
  auto plan = filter(
      numbers(),
      call("$equal", list(call("$modulo", list(column(kBigint, 0), bigint(1000))), bigint(0))));
  auto query = push(limit(std::move(plan), 2), StartAt::earliest, false);
  std::vector<std::int64_t> all;
  for (bool done = false; !done;) {
    PushQuery::Rows rows = query->next(100, in_a_minute());
    for (std::int64_t n : taken(rows)) all.push_back(n);
    done = rows.done;
  }
  EXPECT_THAT(all, ElementsAre(1000, 2000));
}

// Conditions and LIMIT are about what the table holds, not about what it has held.
TEST_F(PushSessionTest, APullOverATableShowsTheNewestRowOfEachKey) {
  const auto put = [&](std::string key, std::optional<std::string> value) {
    produce(*log_, "in", {{.key = std::move(key), .value = std::move(value)}});
  };
  const auto table = [] {
    sql::StreamInfo info = stream("T", "in", kNumbers);
    info.kind = sql::SourceKind::table;
    return source(std::move(info));
  };
  const auto shown = [&](sql::PlanPtr plan) {
    PushQuery::Rows rows = push(std::move(plan), StartAt::earliest, true)->next(100, in_a_minute());
    EXPECT_TRUE(rows.done);
    return taken(rows);
  };
  const auto odd = [&] {
    return filter(table(), call("$equal", list(call("$modulo", list(column(kBigint, 0), bigint(2))),
                                               bigint(1))));
  };
  for (const char* value : {R"({"N":1})", R"({"N":2})", R"({"N":3})"}) put("a", value);
  put("b", R"({"N":5})");
  put("b", R"({"N":6})");
  put("c", R"({"N":7})");
  put("c", std::nullopt);
  put("d", R"({"N":9})");
  EXPECT_THAT(shown(table()), ElementsAre(3, 6, 9));
  EXPECT_THAT(shown(odd()), ElementsAre(3, 9)) << "what b was does not count";
  EXPECT_THAT(shown(limit(table(), 2)), ElementsAre(3, 6));
  EXPECT_THAT(shown(limit(table(), 0)), IsEmpty());
}

TEST_F(PushSessionTest, LatestSeesOnlyWhatComesAfterIt) {
  feed(1, 5);
  auto query = push(numbers(), StartAt::latest, false);
  EXPECT_THAT(query->next(10, now()).rows, IsEmpty());
  feed(6, 7);
  EXPECT_THAT(taken(query->next(10, in_a_minute())), ElementsAre(6, 7));
}

TEST_F(PushSessionTest, ASlowClientHoldsUpReadingAndLosesNothing) {
  feed(1, 5000);
  auto query = push(numbers(), StartAt::earliest, true);
  std::int64_t expected = 1;
  for (bool done = false; !done;) {
    PushQuery::Rows rows = query->next(7, in_a_minute());
    for (std::int64_t n : taken(rows)) EXPECT_EQ(n, expected++);
    done = rows.done;
  }
  EXPECT_EQ(expected, 5001);
}

TEST_F(PushSessionTest, RecordsThatCannotBeReadAreCountedAndWhatCannotBeComputedIsNull) {
  produce_values(*log_, "in", {"nonsense", R"({"N":0})", R"({"N":5})"});
  auto plan =
      project(numbers(), NamedExpr{"X", call("$divide", list(bigint(10), column(kBigint, 0)))});
  auto query = push(std::move(plan), StartAt::earliest, true);
  PushQuery::Rows rows = query->next(10, in_a_minute());
  ASSERT_EQ(rows.rows.size(), 2u);
  EXPECT_EQ(rows.rows[0][0], data::Value(data::Null{}));
  EXPECT_EQ(rows.rows[1][0], data::Value(std::int64_t{2}));
  EXPECT_EQ(rows.skipped.text(), "1 record was left out: 1 malformed_json");
  EXPECT_EQ(log_->list().value().size(), 1u);
}

TEST_F(PushSessionTest, WaitingEndsWhenRowsComeOrTheQueryIsCancelled) {
  auto query = push(numbers(), StartAt::latest, false);
  std::thread feeder([&] { feed(1, 1); });
  EXPECT_THAT(taken(query->next(10, in_a_minute())), ElementsAre(1));
  feeder.join();
  std::thread canceller([&] { query->cancel(); });
  PushQuery::Rows rows = query->next(10, in_a_minute());
  canceller.join();
  EXPECT_TRUE(rows.done);
  ASSERT_TRUE(rows.error);
  EXPECT_EQ(rows.error->code(), ErrorCode::cancelled);
}

TEST_F(PushSessionTest, APlanWithASinkIsRefused) {
  auto plan = sink(numbers(), "T", "out");
  auto made = runtime_->push(std::shared_ptr<const sql::PlanNode>(std::move(plan)),
                             StartAt::earliest, true);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace penstock::engine
