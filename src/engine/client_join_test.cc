// A client's own queries that join or have windows: all partitions in one session, in the order of
// time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "engine/test_sql_run.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class ClientJoinTest : public SqlRunTest {
 protected:
  Result<std::unique_ptr<PushQuery>> push(std::string_view select) {
    const auto texts = sql::split_statements(select).value();
    auto statement = sql::prepare_statement(texts.front(), streams_, builtin_functions());
    EXPECT_TRUE(statement) << statement.error().text();
    auto& query = std::get<sql::SelectQuery>(statement->node);
    return runtime_->push(std::shared_ptr<const sql::PlanNode>(std::move(query.plan)),
                          StartAt::earliest, !query.emit_changes);
  }
  // As many rows as are asked for; there must be no more.
  std::vector<std::string> rows(std::string_view select, std::size_t count) {
    auto query = push(select);
    EXPECT_TRUE(query) << query.error().text();
    (*query)->give_json();
    std::vector<std::string> all;
    while (all.size() < count) {
      PushQuery::Rows rows =
          (*query)->next(100, std::chrono::steady_clock::now() + std::chrono::seconds(30));
      EXPECT_FALSE(rows.error);
      EXPECT_EQ(rows.skipped.text(), "");
      if (rows.json_rows.empty()) break;
      for (auto& row : rows.json_rows) all.push_back((row.tombstone ? "-" : "") + row.columns);
    }
    const auto none =
        (*query)->next(100, std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
    EXPECT_EQ(none.json_rows.size(), 0u) << none.json_rows.front().columns;
    return all;
  }
  void put(const std::string& topic, std::string key, std::optional<std::string> value,
           std::int64_t time, std::int32_t partition = 0) {
    produce(*log_, topic,
            {{.key = std::move(key),
              .value = std::move(value),
              .timestamp_ms = time,
              .partition = partition}});
  }
};

constexpr std::string_view kSources = R"(
  CREATE STREAM orders (id STRING KEY, item STRING, n INT)
    WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=2);
  CREATE STREAM payments (id STRING KEY, sum INT)
    WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON', PARTITIONS=2);
  CREATE TABLE items (id STRING PRIMARY KEY, maker STRING)
    WITH (KAFKA_TOPIC='items', VALUE_FORMAT='JSON', PARTITIONS=2);
  CREATE TABLE makers (id STRING PRIMARY KEY, town STRING)
    WITH (KAFKA_TOPIC='makers', VALUE_FORMAT='JSON', PARTITIONS=2);)";

// Neither partitions nor formats of keys matter: rows meet wherever they come from.
TEST_F(ClientJoinTest, AStreamFindsWhatItsTableHadAtItsTime) {
  execute(kSources);
  put("orders", "o1", R"({"ITEM":"cup","N":1})", 10, 0);
  put("orders", "o2", R"({"ITEM":"cup","N":2})", 30, 1);
  put("orders", "o3", R"({"ITEM":"cup","N":3})", 50, 0);
  put("items", "cup", R"({"MAKER":"m1"})", 20, 1);
  put("items", "cup", R"({"MAKER":"m2"})", 40, 1);
  EXPECT_THAT(rows("SELECT o.n, i.maker FROM orders o LEFT JOIN items i ON o.item = i.id "
                   "EMIT CHANGES;",
                   3),
              ElementsAre("[1,null]", R"([2,"m1"])", R"([3,"m2"])"));
}

TEST_F(ClientJoinTest, StreamsMeetWithinTheirTimeAndUnmatchedRowsGoOutAfterIt) {
  execute(kSources);
  put("orders", "o1", R"({"N":1})", 1'000, 0);
  put("orders", "o2", R"({"N":2})", 2'000, 1);
  put("payments", "o2", R"({"SUM":20})", 3'000, 1);
  put("orders", "o9", R"({"N":9})", 60'000, 0);
  put("payments", "o9", R"({"SUM":90})", 60'001, 0);
  EXPECT_THAT(rows("SELECT o.n, p.sum FROM orders o LEFT JOIN payments p "
                   "WITHIN 5 SECONDS GRACE PERIOD 1 SECOND ON o.id = p.id EMIT CHANGES;",
                   3),
              ElementsAre("[2,20]", "[1,null]", "[9,90]"));
}

TEST_F(ClientJoinTest, TablesAreJoinedByKeyAndByForeignKey) {
  execute(kSources);
  put("items", "cup", R"({"MAKER":"m1"})", 10, 0);
  put("items", "jug", R"({"MAKER":"m1"})", 11, 1);
  put("makers", "m1", R"({"TOWN":"Delft"})", 20, 1);
  put("makers", "cup", R"({"TOWN":"Gouda"})", 30, 0);
  put("items", "jug", std::nullopt, 40, 1);
  EXPECT_THAT(
      rows("SELECT i.id, m.town FROM items i JOIN makers m ON i.id = m.id EMIT CHANGES;", 1),
      ElementsAre(R"(["cup","Gouda"])"));
  EXPECT_THAT(
      rows("SELECT i.id, m.town FROM items i JOIN makers m ON i.maker = m.id EMIT CHANGES;", 3),
      UnorderedElementsAre(R"(["cup","Delft"])", R"(["jug","Delft"])", R"(-["jug",null])"));
}

TEST_F(ClientJoinTest, JoinsOfJoins) {
  execute(kSources);
  put("items", "cup", R"({"MAKER":"m1"})", 10, 0);
  put("makers", "m1", R"({"TOWN":"Delft"})", 20, 1);
  put("orders", "o1", R"({"ITEM":"cup","N":1})", 30, 1);
  EXPECT_THAT(rows("SELECT o.n, i.maker, m.town FROM orders o JOIN items i ON o.item = i.id "
                   "JOIN makers m ON i.maker = m.id EMIT CHANGES;",
                   1),
              ElementsAre(R"([1,"m1","Delft"])"));
}

TEST_F(ClientJoinTest, JoinedRowsAreGrouped) {
  execute(kSources);
  put("items", "cup", R"({"MAKER":"m1"})", 10, 0);
  put("orders", "o1", R"({"ITEM":"cup","N":1})", 30, 1);
  put("orders", "o2", R"({"ITEM":"cup","N":5})", 31, 1);
  EXPECT_THAT(rows("SELECT i.maker, SUM(o.n) FROM orders o JOIN items i ON o.item = i.id "
                   "GROUP BY i.maker EMIT CHANGES;",
                   1),
              ElementsAre(R"(["m1",6])"));
}

TEST_F(ClientJoinTest, ATablesTombstonesSayWhichRowIsGone) {
  execute(kSources);
  put("items", "cup", R"({"MAKER":"m1"})", 10, 0);
  put("items", "cup", std::nullopt, 20, 0);
  EXPECT_THAT(rows("SELECT maker, id, UCASE(id) FROM items EMIT CHANGES;", 2),
              ElementsAre(R"(["m1","cup","CUP"])", R"(-[null,"cup",null])"));
}

TEST_F(ClientJoinTest, SessionsThatMergeAreTakenBackByTheirWindows) {
  execute(kSources);
  auto query = push(
                   "SELECT id, COUNT(*), WINDOWSTART, WINDOWEND FROM orders "
                   "WINDOW SESSION (5 SECONDS) GROUP BY id EMIT CHANGES;")
                   .value();
  ASSERT_TRUE(query->give_json());
  std::vector<std::string> all;
  for (const int time : {1'000, 9'000, 5'000}) {
    put("orders", "k", R"({"N":1})", time, 0);
    const auto rows = query->next(100, std::chrono::steady_clock::now() + std::chrono::seconds(30));
    for (const auto& row : rows.json_rows) all.push_back((row.tombstone ? "-" : "") + row.columns);
  }
  EXPECT_THAT(
      all, ElementsAre(R"(["k",1,1000,1000])", R"(["k",1,9000,9000])", R"(-["k",null,1000,1000])",
                       R"(-["k",null,9000,9000])", R"(["k",3,1000,9000])"));
}

// One partition's rows are not late because another's were read first.
TEST_F(ClientJoinTest, WindowsOfAllPartitionsCloseInTheOrderOfTime) {
  execute(kSources);
  for (int i = 0; i < 10; ++i)
    for (int partition = 0; partition < 2; ++partition)
      put("orders", "k", R"({"N":1})", 1'000 * i + partition, partition);
  std::vector<std::string> expected;
  for (int start = 0; start < 8'000; start += 2'000)
    expected.push_back(fmt::format(R"(["k",{},4])", start));
  EXPECT_EQ(rows("SELECT id, WINDOWSTART, SUM(n) FROM orders WINDOW TUMBLING "
                 "(SIZE 2 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY id EMIT FINAL;",
                 4),
            expected);
}

TEST_F(ClientJoinTest, StateHasALimit) {
  execute(kSources);
  RuntimeOptions options;
  options.client_state_bytes_max = 1 << 20;
  runtime_ = start_runtime(*log_, &keys_, options).value();
  std::vector<TestRecord> makers;
  for (int i = 0; i < 20'000; ++i)
    makers.push_back({.key = fmt::format("m{}", i),
                      .value = fmt::format(R"({{"TOWN":"{:0>100}"}})", i),
                      .timestamp_ms = i});
  produce(*log_, "makers", makers);
  auto query =
      push("SELECT i.id, m.town FROM items i JOIN makers m ON i.id = m.id EMIT CHANGES;").value();
  const auto rows = query->next(100, std::chrono::steady_clock::now() + std::chrono::seconds(30));
  ASSERT_TRUE(rows.error);
  EXPECT_EQ(rows.error->code(), ErrorCode::limit_exceeded);
  EXPECT_THAT(rows.error->text(), HasSubstr("1 MiB of groups and joined rows at most"));
}

TEST_F(ClientJoinTest, WhatKsqlDBRefusesIsRefused) {
  execute(kSources);
  execute(
      "CREATE TABLE one (id STRING PRIMARY KEY, v INT) "
      "WITH (KAFKA_TOPIC='one', VALUE_FORMAT='JSON', PARTITIONS=1);");
  auto made = push("SELECT o.n, i.maker FROM orders o JOIN items i ON o.item = i.id;");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().text(), HasSubstr("Pull queries don't support JOIN clauses"));
  made = push("SELECT o.n, i.v FROM orders o JOIN one i ON o.item = i.id EMIT CHANGES;");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().text(), HasSubstr("number of partitions don't match"));
}

}  // namespace
}  // namespace penstock::engine
