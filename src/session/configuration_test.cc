// Files that are started again, changed or not: what goes on, what is done once, what is refused.
#include "session/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/json.h"
#include "session/test_world.h"
#include "topics/test_state_key.h"

namespace penstock::session::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr std::string_view kSales =
    "CREATE STREAM sales (id BIGINT, item STRING, price DOUBLE) "
    "WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='JSON', PARTITIONS=1);";
constexpr std::string_view kRow = "INSERT INTO sales VALUES (1, 'pen', 2);";

std::string cheap(std::string_view select, std::string_view with = "") {
  return fmt::format("CREATE STREAM cheap WITH (KAFKA_TOPIC='cheap'{}) AS {} EMIT CHANGES;", with,
                     select);
}

// Starts a session with files, as `penstock run` and penstockd do.
class Files : public testing::Test {
 protected:
  explicit Files(bool measured = false) : measured_(measured) {}
  Result<> try_start(const std::string& file) {
    session_.reset();
    SessionOptions options;
    if (measured_) options.catalogue = SessionOptions::CatalogueFrom::measured;
    options.scripts.push_back({"queries.sql", file});
    session_ = TRY(open_session(*log_, nullptr, std::move(options)));
    return {};
  }
  void start(const std::string& file) {
    const auto started = try_start(file);
    ASSERT_TRUE(started) << started.error().text();
  }
  std::string refusal(const std::string& file) {
    const auto started = try_start(file);
    EXPECT_FALSE(started);
    return started ? std::string() : started.error().text();
  }
  void sell(int id, int price) {
    produce(*log_, "sales", {fmt::format(R"({{"ID":{},"ITEM":"x","PRICE":{}}})", id, price)});
  }
  std::vector<std::string> drained(std::string_view topic) {
    EXPECT_TRUE(session_->drain());
    return read_values(*log_, topic);
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> out;
    for (const auto& query : session_->queries()) out.push_back(query.id);
    return out;
  }
  std::vector<Json> journal() const {
    std::vector<Json> out;
    for (const std::string& text : read_values(*log_, "_statements_default_")) {
      out.push_back(Json::parse(text));
    }
    return out;
  }

  const bool measured_;
  std::unique_ptr<topics::Log> log_ = topics::make_memory_log(topics::test_identity());
  std::unique_ptr<Session> session_;
};

// The same rules hold where the configuration is measured.
class AnyFiles : public Files, public testing::WithParamInterface<bool> {
 protected:
  AnyFiles() : Files(GetParam()) {}
};
INSTANTIATE_TEST_SUITE_P(StoredAndMeasured, AnyFiles, testing::Bool());

TEST_P(AnyFiles, InsertTheirRowsOnce) {
  const std::string file = std::string(kSales) + std::string(kRow) + std::string(kRow);
  for (int i = 0; i < 3; ++i) {
    start(file);
    EXPECT_EQ(read_values(*log_, "sales").size(), 2u);  // the same row twice is two rows
  }
  start(file + "INSERT INTO sales VALUES (2, 'cup', 3);");
  EXPECT_EQ(read_values(*log_, "sales").size(), 3u);
  start(file);
  EXPECT_EQ(read_values(*log_, "sales").size(), 3u);
}

TEST_F(Files, InsertTheirRowsAgainIntoATopicThatWasDeleted) {
  start(std::string(kSales) + std::string(kRow));
  must(*session_, "DROP STREAM sales DELETE TOPIC;", Again::refused);
  start(std::string(kSales) + std::string(kRow));
  EXPECT_EQ(read_values(*log_, "sales").size(), 1u);
}

TEST_F(Files, LeaveInsertsThatAreNotTheirsOrdinary) {
  start(std::string(kSales));
  must(*session_, kRow, Again::refused);
  must(*session_, kRow, Again::refused);
  EXPECT_EQ(read_values(*log_, "sales").size(), 2u);
}

TEST_P(AnyFiles, GoOnFromThePositionsWhenAFilterOrAColumnIsAdded) {
  start(std::string(kSales) + cheap("SELECT id FROM sales WHERE price < 10"));
  const auto before = ids();
  sell(1, 5);
  sell(2, 50);
  EXPECT_THAT(drained("cheap"), ElementsAre(R"({"ID":1})"));
  start(std::string(kSales) + cheap("SELECT id, item FROM sales WHERE price < 100"));
  EXPECT_EQ(ids(), before);
  sell(3, 50);
  EXPECT_THAT(drained("cheap"), ElementsAre(R"({"ID":1})", R"({"ID":3,"ITEM":"x"})"));
  const auto recorded = journal();
  ASSERT_EQ(recorded.back()["kind"], "configuration");
  EXPECT_THAT(recorded.back()["sql"].get<std::string>(), HasSubstr("from its positions"));
  EXPECT_EQ(recorded.back()["origin"], "file");
}

TEST_P(AnyFiles, RecordNothingWhenNothingHasChanged) {
  const std::string file = std::string(kSales) + cheap("SELECT id FROM sales");
  start(file);
  const std::size_t records = journal().size();
  start("-- as it was\n" + file);
  start(file);
  EXPECT_LE(journal().size(), records + 2);  // that the comment came and went
  start(file);
  EXPECT_LE(journal().size(), records + 2);
}

TEST_P(AnyFiles, RefuseWhatCreateOrReplaceDoesNotAllowAndTheirAdviceWorks) {
  const std::string old = std::string(kSales) + cheap("SELECT id, item FROM sales");
  start(old);
  sell(1, 1);
  EXPECT_EQ(drained("cheap").size(), 1u);
  const std::string changed = "SELECT price AS id FROM sales";
  const std::string text = refusal(std::string(kSales) + cheap(changed));
  EXPECT_THAT(text, HasSubstr("SELECT id, item FROM sales"));  // both texts
  EXPECT_THAT(text, HasSubstr(changed));
  EXPECT_THAT(text, HasSubstr("column ID was BIGINT and is DOUBLE"));
  EXPECT_THAT(text, HasSubstr("ON_CHANGE='continue'"));
  EXPECT_THAT(text, HasSubstr("ON_CHANGE='restart'"));
  start(old);  // nothing of the refused one is left
  start(std::string(kSales) + cheap(changed, ", ON_CHANGE='continue'"));
  sell(2, 2);
  EXPECT_THAT(drained("cheap"), ElementsAre(R"({"ID":1,"ITEM":"x"})", R"({"ID":2.0})"));
}

TEST_P(AnyFiles, RestartWhatSaysSoAndOnlyOnce) {
  start(std::string(kSales) + cheap("SELECT id FROM sales"));
  sell(1, 1);
  EXPECT_EQ(drained("cheap").size(), 1u);
  const std::string restarted =
      std::string(kSales) + cheap("SELECT price AS id FROM sales", ", ON_CHANGE='restart'");
  for (int i = 0; i < 3; ++i) {
    start(restarted);
    EXPECT_THAT(drained("cheap"), ElementsAre(R"({"ID":1})", R"({"ID":1.0})"));
    EXPECT_EQ(ids().size(), 1u);
  }
}

// Nothing is made for a file whose join cannot run, also where it makes its topics itself.
TEST_P(AnyFiles, RefuseAJoinOfTopicsThatWillNotFitTogether) {
  const auto join = [](int partitions) {
    return fmt::format(
        "CREATE TABLE items (item STRING PRIMARY KEY, price DOUBLE) "
        "WITH (KAFKA_TOPIC='items', VALUE_FORMAT='JSON', PARTITIONS={});"
        "CREATE STREAM orders (item STRING KEY, n INT) "
        "WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=2);"
        "CREATE STREAM priced AS SELECT orders.item, n, price FROM orders "
        "JOIN items ON orders.item = items.item;",
        partitions);
  };
  EXPECT_THAT(refusal(join(3)), HasSubstr("queries.sql: Can't join `ORDERS` with `ITEMS`"));
  EXPECT_FALSE(log_->describe(topic_name("orders")));
  start(join(2));
}

TEST_P(AnyFiles, EndWhatIsMissingAndForgetIt) {
  const std::string file = std::string(kSales) + cheap("SELECT id FROM sales");
  start(file);
  sell(1, 1);
  EXPECT_EQ(drained("cheap").size(), 1u);
  start(std::string(kSales));
  EXPECT_THAT(ids(), IsEmpty());
  EXPECT_EQ(shown(must(*session_, "SHOW STREAMS;"))["streams"].size(), 1u);
  EXPECT_TRUE(log_->describe(topic_name("cheap")));  // topics stay
  start(file);                                       // a new query, from the start
  EXPECT_EQ(drained("cheap").size(), 2u);
}

TEST_P(AnyFiles, AskWhetherAnInsertIsAnotherOrTheSame) {
  const std::string target =
      "CREATE STREAM items (item STRING) WITH (KAFKA_TOPIC='items', VALUE_FORMAT='JSON', "
      "PARTITIONS=1);";
  const auto file = [&](std::string_view insert) {
    return std::string(kSales) + target + std::string(insert);
  };
  start(file("INSERT INTO items SELECT item FROM sales;"));
  const std::string id = ids().at(0);
  sell(1, 1);
  EXPECT_EQ(drained("items").size(), 1u);
  const std::string text =
      refusal(file("INSERT INTO items SELECT UCASE(item) AS item FROM sales;"));
  EXPECT_THAT(text, HasSubstr("SELECT item FROM sales"));
  EXPECT_THAT(text, HasSubstr("UCASE(item)"));
  EXPECT_THAT(text, HasSubstr(fmt::format("QUERY_ID='{}'", id)));
  start(file(fmt::format(
      "INSERT INTO items WITH (QUERY_ID='{}') SELECT UCASE(item) AS item FROM sales;", id)));
  sell(2, 2);
  EXPECT_THAT(drained("items"), ElementsAre(R"({"ITEM":"x"})", R"({"ITEM":"X"})"));
  start(
      file("INSERT INTO items WITH (ON_CHANGE='restart') SELECT UCASE(item) AS item FROM sales;"));
  EXPECT_EQ(drained("items").size(), 4u);
}

TEST_P(AnyFiles, KeepsAQuerysIdThatTheStatementNames) {
  start(std::string(kSales) + cheap("SELECT id FROM sales", ", QUERY_ID='mine'"));
  EXPECT_THAT(ids(), ElementsAre("MINE"));
  sell(1, 1);
  EXPECT_EQ(drained("cheap").size(), 1u);
  EXPECT_THAT(refusal(std::string(kSales) + cheap("SELECT id FROM sales", ", QUERY_ID='other'")),
              HasSubstr("QUERY_ID='MINE'"));
}

TEST_F(Files, LeaveAloneWhatCameByStatements) {
  start(std::string(kSales) + cheap("SELECT id FROM sales"));
  must(*session_, "CREATE STREAM dear AS SELECT id FROM sales WHERE price > 10;", Again::refused);
  start(std::string(kSales));
  ASSERT_EQ(ids().size(), 1u);
  EXPECT_EQ(session_->queries()[0].sink, "DEAR");
  const std::string text = refusal(cheap("SELECT id FROM dear"));  // without what DEAR reads
  EXPECT_THAT(text, HasSubstr("TERMINATE CSAS_DEAR"));
  session_ = open(*log_);  // as `penstock sql` does, whose advice it is
  must(*session_, text.substr(text.find("TERMINATE ")) + " DROP STREAM dear;", Again::refused);
  start(
      "CREATE STREAM other (id INT) WITH (KAFKA_TOPIC='other', VALUE_FORMAT='JSON', "
      "PARTITIONS=1);");
  EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(Files, ThatDefineNothingReplaceNothing) {
  start(std::string(kSales) + cheap("SELECT id FROM sales"));
  start("SHOW STREAMS;");
  EXPECT_EQ(ids().size(), 1u);
  session_ = open(*log_);
  EXPECT_EQ(ids().size(), 1u);
}

TEST_F(Files, TakeOverWhatAStatementMadeWithTheSameText) {
  start(std::string(kSales));
  const std::string text = cheap("SELECT id FROM sales");
  must(*session_, text, Again::refused);
  const auto before = ids();
  sell(1, 1);
  EXPECT_EQ(drained("cheap").size(), 1u);
  start(std::string(kSales) + text);
  EXPECT_EQ(ids(), before);
  EXPECT_EQ(drained("cheap").size(), 1u);
  start(std::string(kSales));  // it is the file's now, and ends with it
  EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(Files, DoNotFailOverARecordThatCannotBeAppliedAnyMore) {
  start(std::string(kSales));
  must(*session_, "CREATE STREAM dear AS SELECT id FROM sales WHERE price > 10;", Again::refused);
  session_.reset();
  auto records = read_values(*log_, "_statements_default_");
  Json broken = Json::parse(records.back());
  broken["sql"] = "CREATE STREAM dear AS SELECT no_such_function(id) AS id FROM sales;";
  ASSERT_TRUE(log_->remove(topic_name("_statements_default_")));
  make_topic(*log_, "_statements_default_");
  records.back() = broken.dump();
  produce(*log_, "_statements_default_", records);
  start(std::string(kSales) + cheap("SELECT id FROM sales"));
  ASSERT_EQ(ids().size(), 1u);
  EXPECT_EQ(session_->queries()[0].sink, "CHEAP");
}

TEST_F(Files, LeavePausedWhatAStatementPaused) {
  const std::string file = std::string(kSales) + cheap("SELECT id FROM sales WHERE price < 10");
  start(file);
  const std::string id = ids().at(0);
  must(*session_, "PAUSE " + id + ";", Again::refused);
  EXPECT_EQ(session_->queries()[0].stats.state, engine::QueryState::paused);
  sell(1, 1);
  start(file);
  EXPECT_EQ(session_->queries()[0].stats.state, engine::QueryState::paused);
  const std::string changed = std::string(kSales) + cheap("SELECT id FROM sales WHERE price < 20");
  for (int i = 0; i < 2; ++i) {
    start(changed);
    EXPECT_EQ(session_->queries()[0].stats.state, engine::QueryState::paused);
    EXPECT_THAT(drained("cheap"), IsEmpty());
  }
  const auto resumed = must(*session_, "RESUME ALL; PAUSE ALL; RESUME " + id + ";", Again::refused);
  EXPECT_EQ(command(resumed, 2).message, "Query resumed.");
  EXPECT_EQ(drained("cheap").size(), 1u);
  start(changed);
  EXPECT_EQ(session_->queries()[0].stats.state, engine::QueryState::running);
  EXPECT_EQ(refused(*session_, "PAUSE nothing;", Again::refused).code(), ErrorCode::not_found);
  EXPECT_THAT(refusal(file + "PAUSE ALL;"), HasSubstr("at every start"));
}

TEST_F(Files, ResetPositionsOnce) {
  const std::string file = std::string(kSales) + cheap("SELECT id FROM sales", ", QUERY_ID='mine'");
  start(file);
  sell(1, 1);
  EXPECT_EQ(drained("cheap").size(), 1u);
  for (int i = 0; i < 2; ++i) {
    start(file + "ALTER QUERY mine RESET POSITIONS TO EARLIEST;");
    EXPECT_EQ(drained("cheap").size(), 2u);
  }
}

TEST_F(Files, RefuseToDoAtEveryStartWhatIsMeantOnce) {
  EXPECT_THAT(refusal(std::string(kSales) + "DROP STREAM sales DELETE TOPIC;"),
              HasSubstr("at every start"));
  start(std::string(kSales) + "DROP STREAM IF EXISTS nothing;");
}

TEST_F(Files, ForgetWhatEndedEvenWhenTheProcessDiedInBetween) {
  const std::string file = std::string(kSales) + cheap("SELECT id FROM sales", ", QUERY_ID='mine'");
  start(file);
  sell(1, 1);
  EXPECT_EQ(drained("cheap").size(), 1u);
  const std::string id = ids().at(0);
  session_.reset();
  {
    auto journal = StatementJournal::open(*log_, "default_").value();
    ASSERT_TRUE(journal->append({{.kind = Accepted::Kind::terminate,
                                  .name = {},
                                  .query_id = id,
                                  .statement = "TERMINATE",
                                  .tasks = 1}}));
  }
  start(file);
  EXPECT_EQ(ids(), std::vector{id});
  EXPECT_EQ(drained("cheap").size(), 2u);  // from the start
  start(file);
  EXPECT_EQ(drained("cheap").size(), 2u);
}

TEST(PlanOfChanges, NamesWhatAConfigurationWouldDo) {
  const auto changes =
      changes_between({{"old", std::string(kSales) + cheap("SELECT id FROM sales")}},
                      {{"new", std::string(kSales) + cheap("SELECT id FROM sales WHERE price < 3") +
                                   "CREATE STREAM dear AS SELECT id FROM sales;"}});
  ASSERT_TRUE(changes) << changes.error().text();
  const std::string text = text_of(*changes);
  EXPECT_THAT(text, HasSubstr("~ changes, from its positions, query CSAS_CHEAP_1"));
  EXPECT_THAT(text, HasSubstr("+ starts query CSAS_DEAR_"));
  EXPECT_THAT(text, HasSubstr("now: CREATE STREAM cheap"));
  const auto ended =
      changes_between({{"old", std::string(kSales) + cheap("SELECT id FROM sales")}}, {});
  ASSERT_TRUE(ended);
  EXPECT_THAT(text_of(*ended), HasSubstr("- ends query CSAS_CHEAP_1"));
  EXPECT_THAT(text_of(*ended), HasSubstr("- drops (its topic stays) stream SALES"));
  EXPECT_FALSE(changes_between({{"old", std::string(kSales) + cheap("SELECT id FROM sales")}},
                               {{"new", std::string(kSales) + cheap("SELECT item FROM sales")}}));
}

}  // namespace
}  // namespace penstock::session::test
