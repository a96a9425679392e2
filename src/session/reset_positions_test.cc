#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/plan_digest.h"
#include "session/statement_journal.h"
#include "session/test_world.h"
#include "topics/test_state_key.h"

namespace penstock::session::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kJob =
    "CREATE STREAM numbers (n BIGINT) "
    "WITH (KAFKA_TOPIC='numbers', VALUE_FORMAT='JSON', PARTITIONS=2);"
    "CREATE STREAM copies AS SELECT n FROM numbers EMIT CHANGES;";

std::string number(int n) {
  return fmt::format(R"({{"N":{}}})", n);
}

// A job that has copied 1, 2 of partition 0 and 3 of partition 1.
class ResetPositions : public testing::Test {
 protected:
  void SetUp() override {
    session = open(*log);
    must(*session, kJob);
    produce(*log, "numbers", {number(1), number(2)}, 0);
    produce(*log, "numbers", {number(3)}, 1);
    ASSERT_TRUE(session->drain());
    ASSERT_EQ(read_values(*log, "COPIES").size(), 3u);
  }
  std::vector<std::string> copies() {
    EXPECT_TRUE(session->drain());
    std::vector<std::string> out = read_values(*log, "COPIES");
    std::ranges::sort(out);
    return out;
  }
  // A checkpoint that no plan can take up.
  void spoil() {
    auto writer = log->writer(topics::WriterId("CSAS_COPIES_1.0.0")).value();
    const topics::TaskId task("CSAS_COPIES_1.0/0");
    ASSERT_TRUE(writer->restore(task, [](ByteView, ByteView) {}));
    auto commit = writer->begin().value();
    commit->state(task).put(as_bytes("\x07"
                                     "sum.abck"),
                            as_bytes("v"));
    ASSERT_EQ(commit->finish().outcome, topics::Outcome::committed);
  }

  std::unique_ptr<topics::Log> log = topics::make_memory_log(topics::test_identity());
  std::unique_ptr<Session> session;
};

TEST_F(ResetPositions, ToTheEarliestRecordReadsAllAgain) {
  const ScriptResult done =
      must(*session, "ALTER QUERY csas_copies_1 RESET POSITIONS TO earliest;");
  EXPECT_EQ(command(done).command_id, "query/CSAS_COPIES_1/reset");
  EXPECT_EQ(command(done).query_id, "CSAS_COPIES_1");
  EXPECT_THAT(command(done).message, HasSubstr("count again"));
  EXPECT_THAT(copies(),
              ElementsAre(number(1), number(1), number(2), number(2), number(3), number(3)));
}

TEST_F(ResetPositions, ToAnOffsetMovesThePartitionsThatAreNamed) {
  must(*session, "ALTER QUERY CSAS_COPIES_1 RESET POSITIONS TO (0 => 1);");
  EXPECT_THAT(copies(), ElementsAre(number(1), number(2), number(2), number(3)));
}

TEST_F(ResetPositions, ToTheLatestSkipsWhatIsThere) {
  session.reset();
  produce(*log, "numbers", {number(4)}, 0);
  session = open(*log);
  ASSERT_TRUE(session->drain());
  must(*session, "ALTER QUERY CSAS_COPIES_1 RESET POSITIONS TO LATEST;");
  produce(*log, "numbers", {number(5)}, 0);
  EXPECT_THAT(copies(), ElementsAre(number(1), number(2), number(3), number(4), number(5)));
}

TEST_F(ResetPositions, RefusesWhatIsNotThereAndChangesNothing) {
  EXPECT_EQ(refused(*session, "ALTER QUERY nobody RESET POSITIONS TO EARLIEST;").code(),
            ErrorCode::not_found);
  for (const char* to : {"(2 => 0)", "(0 => 3)"}) {
    const Error error =
        refused(*session, fmt::format("ALTER QUERY CSAS_COPIES_1 RESET POSITIONS TO {};", to));
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << error.text();
    EXPECT_THAT(error.text(), HasSubstr("numbers"));
  }
  EXPECT_EQ(copies().size(), 3u);
}

TEST_F(ResetPositions, IsJournalledAndNotDoneAgainAtTheNextStart) {
  must(*session, "ALTER QUERY CSAS_COPIES_1 RESET POSITIONS TO (1 => 0);");
  EXPECT_EQ(copies().size(), 4u);
  session.reset();
  auto journal = StatementJournal::open(*log, "default_").value();
  EXPECT_EQ(journal->entries().back().statement.kind, Accepted::Kind::reset);
  EXPECT_EQ(journal->entries().back().statement.query_id, "CSAS_COPIES_1");
  session = open(*log);
  EXPECT_EQ(copies().size(), 4u);
}

TEST_F(ResetPositions, IsTheWayOutForAQueryThatCannotBeTakenUp) {
  session.reset();
  spoil();
  produce(*log, "numbers", {number(4)}, 0);
  session = open(*log);  // other queries run
  ASSERT_NE(session, nullptr);
  ASSERT_EQ(session->queries().size(), 1u);
  const engine::QueryStats stats = session->queries()[0].stats;
  EXPECT_EQ(stats.state, engine::QueryState::failed);
  ASSERT_TRUE(stats.error);
  EXPECT_THAT(stats.error->text(), HasSubstr("'sum.abc'"));
  EXPECT_FALSE(session->drain());
  EXPECT_EQ(session->queries()[0].stats.restarts, 0u);
  must(*session, "ALTER QUERY CSAS_COPIES_1 RESET POSITIONS TO (0 => 2);");
  EXPECT_THAT(copies(), ElementsAre(number(1), number(2), number(3), number(4)));
}

TEST_F(ResetPositions, IsRefusedInTheScriptsOfAMeasuredConfiguration) {
  SessionOptions options;
  options.catalogue = SessionOptions::CatalogueFrom::measured;
  options.scripts = {{"job.sql", std::string(kJob) + "ALTER QUERY x RESET POSITIONS TO EARLIEST;"}};
  auto other = topics::make_memory_log(topics::test_identity());
  const auto measured = open_session(*other, nullptr, options);
  ASSERT_FALSE(measured);
  EXPECT_THAT(measured.error().text(), HasSubstr("sign it"));
}

TEST(PlanDigest, OfARestartedQueryMustBeTheSame) {
  auto log = topics::make_memory_log(topics::test_identity());
  {
    auto session = open(*log);
    must(*session, kJob);
  }
  auto journal = StatementJournal::open(*log, "default_").value();
  Accepted query = journal->entries().back().statement;
  ASSERT_EQ(query.kind, Accepted::Kind::create_as);
  EXPECT_EQ(query.plan.size(), 64u);
  const std::string planned = query.plan;
  query.plan = std::string(64, '0');
  produce(*log, "_statements_default_", {to_record({journal->next_number(), "id", query})});
  const auto session = open_session(*log, nullptr, {});
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code(), ErrorCode::unsupported);
  for (const std::string& part : {std::string("CSAS_COPIES_1"), planned, query.plan})
    EXPECT_THAT(session.error().text(), HasSubstr(part));
}

}  // namespace
}  // namespace penstock::session::test
