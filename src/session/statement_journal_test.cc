#include "session/statement_journal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "session/test_world.h"
#include "topics/test_state_key.h"

namespace penstock::session::test {
namespace {

const Accepted kInsert{.kind = Accepted::Kind::insert,
                       .name = "S",
                       .query_id = "INSERTQUERY_1",
                       .statement = "INSERT INTO s SELECT 'ü' FROM t",
                       .start = engine::StartAt::latest,
                       .properties = {{"auto.offset.reset", "latest"}, {"x", "ü"}},
                       .plan = "ab12"};

TEST(StatementJournal, WritesRecordsThatItReads) {
  auto entry = parse_record(to_record(kInsert, 12));
  ASSERT_TRUE(entry) << entry.error().text();
  EXPECT_EQ(entry->number, 12);
  EXPECT_EQ(entry->statement.kind, kInsert.kind);
  EXPECT_EQ(entry->statement.name, kInsert.name);
  EXPECT_EQ(entry->statement.query_id, kInsert.query_id);
  EXPECT_EQ(entry->statement.statement, kInsert.statement);
  EXPECT_EQ(entry->statement.start, kInsert.start);
  EXPECT_EQ(entry->statement.properties, kInsert.properties);
  EXPECT_EQ(entry->statement.plan, kInsert.plan);
}

TEST(StatementJournal, RefusesRecordsOfOthers) {
  EXPECT_FALSE(parse_record("{}"));
  EXPECT_FALSE(parse_record("nonsense"));
  constexpr std::string_view kRest =
      R"("n":0,"name":"S","query":"","start":"earliest","sql":"","properties":{})";
  const auto code = [&](std::string_view front) {
    const auto parsed = parse_record(fmt::format("{{{},{}}}", front, kRest));
    return parsed ? ErrorCode::internal : parsed.error().code();
  };
  EXPECT_EQ(code(R"("v":2,"kind":"drop")"), ErrorCode::internal);
  EXPECT_EQ(code(R"("v":1,"kind":"drop")"), ErrorCode::unsupported);
  EXPECT_EQ(code(R"("v":3,"kind":"drop")"), ErrorCode::unsupported);
  EXPECT_EQ(code(R"("v":2,"kind":"dance")"), ErrorCode::corrupt);
  EXPECT_NE(code(R"("v":2,"kind":"insert")"), ErrorCode::internal);  // without a plan
  EXPECT_EQ(parse_record(R"({"v":2,"kind":"drop","n":0,"name":"S","query":"","start":"earliest",)"
                         R"("sql":"","properties":{"x":1}})")
                .error()
                .code(),
            ErrorCode::corrupt);
}

TEST(StatementJournal, KeepsOneRecordOfADefinitionUntilItEnds) {
  auto log = topics::make_memory_log(topics::test_identity());
  {
    auto journal = StatementJournal::open(*log, "svc").value();
    ASSERT_TRUE(journal->append(kInsert));
    ASSERT_TRUE(journal->append(kInsert));
    EXPECT_EQ(journal->entries().size(), 1u);
  }
  auto journal = StatementJournal::open(*log, "svc").value();
  EXPECT_EQ(journal->known_queries().size(), 1u);
  ASSERT_TRUE(journal->append({.kind = Accepted::Kind::terminate,
                               .name = {},
                               .query_id = "INSERTQUERY_1",
                               .statement = "TERMINATE ALL"}));
  EXPECT_TRUE(journal->known_queries().empty());
  ASSERT_TRUE(journal->append(kInsert));
  EXPECT_EQ(journal->next_number(), 3);
  EXPECT_FALSE(StatementJournal::open(*log, "no/slash"));
}

TEST(StatementJournal, SharedOnesTakeTurnsAndRecordADefinitionOnce) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto one = StatementJournal::open(*log, "svc", true).value();
  auto other = StatementJournal::open(*log, "svc", true).value();
  Accepted second = kInsert;
  second.query_id = "INSERTQUERY_2";
  ASSERT_TRUE(one->append(kInsert));
  ASSERT_TRUE(other->append(kInsert));  // opens the writer, and finds it there
  ASSERT_TRUE(other->append(second));
  ASSERT_TRUE(one->append(second));
  EXPECT_EQ(one->entries().size(), 2u);
  EXPECT_EQ(other->entries().size(), 2u);
  EXPECT_EQ(StatementJournal::open(*log, "svc").value()->entries().size(), 2u);
}

TEST(StatementJournal, TheOlderOfTwoIsFencedForGood) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto older = StatementJournal::open(*log, "svc").value();
  auto newer = StatementJournal::open(*log, "svc").value();
  Accepted second = kInsert;
  second.query_id = "INSERTQUERY_2";
  ASSERT_TRUE(older->append(kInsert));
  ASSERT_TRUE(newer->append(second));
  for (int i = 0; i < 2; ++i) {
    second.query_id = "INSERTQUERY_3";
    const auto refused = older->append(second);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::fenced);
  }
  EXPECT_TRUE(newer->append(second));
}

TEST(Session, RefusesToOpenOverADamagedStatementsTopic) {
  auto log = topics::make_memory_log(topics::test_identity());
  make_topic(*log, "_statements_default_");
  produce(*log, "_statements_default_", {"nonsense"});
  auto session = open_session(*log, nullptr, {});
  ASSERT_FALSE(session);
  EXPECT_NE(session.error().text().find("_statements_default_"), std::string::npos);
}

}  // namespace
}  // namespace penstock::session::test
