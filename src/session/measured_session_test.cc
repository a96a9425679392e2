// Sessions whose catalogue is measured: what the disk can and cannot bring in.
#include <charconv>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/json.h"
#include "session/statement_journal.h"
#include "session/test_world.h"
#include "topics/test_state_key.h"

namespace penstock::session::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::string_view kMeasuredOrders =
    "CREATE STREAM orders (id BIGINT, item STRING) "
    "WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1);";
constexpr std::string_view kItems =
    "CREATE STREAM items (item STRING) WITH (KAFKA_TOPIC='items', VALUE_FORMAT='JSON', "
    "PARTITIONS=1);";
constexpr std::string_view kInserts = "INSERT INTO items SELECT item FROM orders EMIT CHANGES;";
constexpr std::string_view kCopy = "CREATE STREAM copy AS SELECT id FROM orders EMIT CHANGES;";

// A proof is "<signer> <counter> <script>": signers a and b, counters that rise.
class PlainAdmission final : public Admission {
 public:
  Result<> admit(std::string_view script, std::string_view proof) override {
    if (proof.size() < 2 || (proof[0] != 'a' && proof[0] != 'b')) {
      return fail(ErrorCode::unauthenticated, "unknown signer");
    }
    int counter = 0;
    const auto end = std::from_chars(proof.data() + 2, proof.data() + proof.size(), counter).ptr;
    if (std::string_view(end, proof.data() + proof.size()) != fmt::format(" {}", script)) {
      return fail(ErrorCode::not_authentic, "another script");
    }
    int& seen = seen_[proof[0]];
    if (counter <= seen) return fail(ErrorCode::permission_denied, "replayed");
    seen = counter;
    return {};
  }
  void forget() override { seen_.clear(); }

 private:
  std::map<char, int> seen_;
};

std::string proof(int counter, std::string_view script, char signer = 'a') {
  return fmt::format("{} {} {}", signer, counter, script);
}

class MeasuredSession : public testing::Test {
 protected:
  // As after a restart of the process.
  Result<> try_start(std::vector<std::string> scripts) {
    session_.reset();
    admission_ = std::make_unique<PlainAdmission>();
    SessionOptions options{.catalogue = SessionOptions::CatalogueFrom::measured,
                           .admission = admission_.get()};
    for (std::string& script : scripts) {
      options.scripts.push_back({"sql of the configuration", std::move(script)});
    }
    session_ = TRY(open_session(*log_, nullptr, std::move(options)));
    return {};
  }
  void start(std::vector<std::string> scripts) {
    const auto started = try_start(std::move(scripts));
    ASSERT_TRUE(started) << started.error().text();
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> out;
    for (const auto& query : session_->queries()) out.push_back(query.id);
    return out;
  }
  std::string id_of(std::string_view sink) const {
    for (const auto& query : session_->queries()) {
      if (query.sink == sink) return query.id;
    }
    return {};
  }
  void run_proved(int counter, const std::string& script) {
    const ScriptResult result = session_->execute_proved(script, proof(counter, script));
    ASSERT_FALSE(result.error) << result.error->text();
  }
  // Records of the statements topic, as a host sees and changes them.
  std::vector<std::string> journal() const { return read_values(*log_, "_statements_default_"); }
  void replace_journal(const std::vector<std::string>& records) {
    session_.reset();
    ASSERT_TRUE(log_->remove(topic_name("_statements_default_")));
    make_topic(*log_, "_statements_default_");
    produce(*log_, "_statements_default_", records);
  }

  std::unique_ptr<topics::Log> log_ = topics::make_memory_log(topics::test_identity());
  std::unique_ptr<PlainAdmission> admission_;
  std::unique_ptr<Session> session_;
};

std::string measured_both() {
  return std::string(kMeasuredOrders) + std::string(kCopy);
}

TEST_F(MeasuredSession, KeepsPositionsOfAFileThatGrowsAtTheFront) {
  const std::string start_of_file = std::string(kMeasuredOrders) + std::string(kItems);
  start({start_of_file + std::string(kInserts)});
  const std::string id = id_of("ITEMS");
  EXPECT_THAT(id, StartsWith("INSERTQUERY_"));
  produce(*log_, "orders", {R"({"ID":1,"ITEM":"pen"})"});
  ASSERT_TRUE(session_->drain());
  start({start_of_file + std::string(kCopy) + std::string(kInserts)});
  EXPECT_EQ(id_of("ITEMS"), id);
  ASSERT_TRUE(session_->drain());
  EXPECT_THAT(read_values(*log_, "items"), ElementsAre(R"({"ITEM":"pen"})"));
  const auto changed = try_start(
      {start_of_file + "INSERT INTO items SELECT UCASE(item) AS item FROM orders EMIT CHANGES;"});
  ASSERT_FALSE(changed);
  EXPECT_THAT(changed.error().text(), HasSubstr("SELECT item FROM orders"));
  EXPECT_THAT(changed.error().text(), HasSubstr("UCASE(item)"));
}

TEST_F(MeasuredSession, BringsNothingInFromTheDiskAndChangesNothingUnproved) {
  {
    auto host = open(*log_);
    must(*host, measured_both());
  }
  start({std::string(kMeasuredOrders)});
  EXPECT_THAT(ids(), IsEmpty());
  EXPECT_EQ(must(*session_, "SHOW STREAMS;").done.size(), 1u);
  for (const std::string_view script :
       {kCopy, std::string_view("DROP STREAM orders;"), std::string_view("TERMINATE ALL;"),
        std::string_view("INSERT INTO orders VALUES (1, 'x');")}) {
    EXPECT_EQ(refused(*session_, script).code(), ErrorCode::permission_denied) << script;
  }
  EXPECT_THAT(read_values(*log_, "orders"), IsEmpty());
}

TEST_F(MeasuredSession, InsertsItsRowsAndNamesTheScriptThatFails) {
  start({std::string(kMeasuredOrders) + "INSERT INTO orders VALUES (1, 'x');"});
  EXPECT_EQ(read_values(*log_, "orders").size(), 1u);
  const auto wrong = try_start({"CREATE STREAM x AS SELECT id FROM nothing;"});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().text(), StartsWith("sql of the configuration: "));
  EXPECT_FALSE(
      try_start({"CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='none', VALUE_FORMAT='JSON')"
                 ";"}));
}

TEST_F(MeasuredSession, TakesProvedScriptsUpAfterARestart) {
  start({std::string(kMeasuredOrders)});
  run_proved(1, std::string(kCopy));
  run_proved(2, "INSERT INTO orders VALUES (7, 'seven');");
  ASSERT_TRUE(session_->drain());
  const auto before = ids();
  start({std::string(kMeasuredOrders)});
  EXPECT_EQ(ids(), before);
  ASSERT_TRUE(session_->drain());
  EXPECT_EQ(read_values(*log_, "orders").size(), 1u);  // the row is not inserted again
  EXPECT_THAT(read_values(*log_, "COPY"), ElementsAre(R"({"ID":7})"));
  const ScriptResult again = session_->execute_proved(kCopy, proof(1, kCopy));
  ASSERT_FALSE(again.error);  // an answer that was lost: it is done, and not done again
  EXPECT_TRUE(command(again).warning);
  const ScriptResult replayed =
      session_->execute_proved(kInserts, proof(1, kInserts));  // counters survive too
  ASSERT_TRUE(replayed.error);
  EXPECT_EQ(replayed.error->text(), "replayed");
}

TEST_F(MeasuredSession, RefusesProofsThatDoNotHold) {
  start({std::string(kMeasuredOrders)});
  EXPECT_TRUE(session_->execute_proved(kCopy, "x 1 nothing").error);
  EXPECT_TRUE(session_->execute_proved(kCopy, proof(1, kMeasuredOrders)).error);
  EXPECT_THAT(ids(), IsEmpty());
  EXPECT_THAT(journal(), testing::SizeIs(2));  // the stream, and the configuration
  session_.reset();
  auto stored = open(*log_);
  EXPECT_EQ(stored->execute_proved(kMeasuredOrders, proof(1, kMeasuredOrders)).error->code(),
            ErrorCode::permission_denied);
}

TEST_F(MeasuredSession, PausesWhatASignedStatementPaused) {
  start({measured_both()});
  run_proved(1, "PAUSE " + id_of("COPY") + ";");
  start({measured_both()});
  EXPECT_EQ(session_->queries().at(0).stats.state, engine::QueryState::paused);
  run_proved(2, "RESUME ALL;");
  start({measured_both()});
  EXPECT_EQ(session_->queries().at(0).stats.state, engine::QueryState::running);
}

TEST_F(MeasuredSession, UsesUpTheProofOfAScriptThatWasRefused) {
  start({std::string(kMeasuredOrders)});
  const std::string wrong = "CREATE STREAM x AS SELECT nothing FROM orders;";
  const ScriptResult first = session_->execute_proved(wrong, proof(1, wrong));
  ASSERT_TRUE(first.error);
  EXPECT_THAT(first.error->text(), HasSubstr("NOTHING"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(session_->execute_proved(wrong, proof(1, wrong)).error->text(), "replayed");
    start({std::string(kMeasuredOrders) + "CREATE STREAM later AS SELECT id AS nothing FROM "
                                          "orders;"});
  }
  run_proved(2, std::string(kCopy));
}

TEST_F(MeasuredSession, InsertsASignedRowOnceEvenWhenTheProcessDiedBefore) {
  start({std::string(kMeasuredOrders)});
  const std::string row = "INSERT INTO orders VALUES (7, 'seven');";
  run_proved(1, row + row);
  EXPECT_EQ(read_values(*log_, "orders").size(), 2u);
  auto records = journal();
  ASSERT_EQ(Json::parse(records.back())["kind"], "row");
  ASSERT_TRUE(log_->remove(topic_name("orders")));
  std::erase_if(records,
                [](const std::string& text) { return Json::parse(text)["kind"] == "row"; });
  replace_journal(records);  // as if it had died behind the script's record
  for (int i = 0; i < 2; ++i) {
    start({std::string(kMeasuredOrders)});
    EXPECT_EQ(read_values(*log_, "orders").size(), 2u);
  }
}

TEST_F(MeasuredSession, LeavesANewConfigurationAloneWithOldSignedStatements) {
  start({measured_both()});
  run_proved(1, fmt::format("TERMINATE {}; DROP STREAM copy;", id_of("COPY")));
  run_proved(2, "CREATE STREAM more AS SELECT item FROM orders EMIT CHANGES;");
  start({measured_both()});
  ASSERT_EQ(ids().size(), 1u);  // as signed
  const std::string changed =
      std::string(kMeasuredOrders) + "CREATE STREAM copy AS SELECT id FROM orders WHERE id > 0;";
  for (int i = 0; i < 2; ++i) {
    start({changed});  // it says that COPY runs
    EXPECT_EQ(ids().size(), 2u);
  }
  run_proved(3, fmt::format("TERMINATE {};", id_of("COPY")));
  start({changed});
  EXPECT_EQ(ids().size(), 1u);
  start(
      {"CREATE STREAM other (id INT) WITH (KAFKA_TOPIC='other', VALUE_FORMAT='JSON', "
       "PARTITIONS=1);"});  // MORE has nothing to read: left out, with a warning
  EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(MeasuredSession, RunsASignedScriptOnceThatIsSentToTwoProcesses) {
  start({std::string(kMeasuredOrders)});
  const auto open_shared = [&](Admission& admission) {
    SessionOptions options{.catalogue = SessionOptions::CatalogueFrom::measured,
                           .scripts = {{"sql", std::string(kMeasuredOrders)}},
                           .admission = &admission,
                           .shared = true};
    options.insert_writer = fmt::format("insert_values_{}", static_cast<void*>(&admission));
    return open(*log_, nullptr, std::move(options));
  };
  session_.reset();
  PlainAdmission first, second;
  auto one = open_shared(first), other = open_shared(second);
  const std::string row = "INSERT INTO orders VALUES (1, 'x');";
  EXPECT_FALSE(one->execute_proved(row, proof(5, row)).error);
  EXPECT_FALSE(other->execute_proved(row, proof(5, row)).error);
  EXPECT_FALSE(one->execute_proved(row, proof(7, row)).error);
  EXPECT_TRUE(other->execute_proved(row, proof(6, row)).error);  // behind what the first recorded
  EXPECT_FALSE(other->execute_proved(row, proof(8, row)).error);
  EXPECT_EQ(read_values(*log_, "orders").size(), 3u);
  one.reset();
  other.reset();
  start({std::string(kMeasuredOrders)});
  EXPECT_EQ(read_values(*log_, "orders").size(), 3u);
}

TEST_F(MeasuredSession, DoesNotStartAQueryThatAProvedScriptEnded) {
  start({measured_both()});
  const std::string id = id_of("COPY");
  produce(*log_, "orders", {R"({"ID":1,"ITEM":"pen"})"});
  ASSERT_TRUE(session_->drain());
  run_proved(1, fmt::format("TERMINATE {}; DROP STREAM copy DELETE TOPIC;", id));
  for (int i = 0; i < 2; ++i) {
    start({measured_both()});
    EXPECT_THAT(ids(), IsEmpty());
    EXPECT_FALSE(log_->describe(topic_name("COPY")));  // a query that ran would have made it
  }
  run_proved(2, "CREATE STREAM copy AS SELECT item FROM orders EMIT CHANGES;");
  ASSERT_TRUE(session_->drain());
  start({measured_both()});
  ASSERT_TRUE(session_->drain());
  EXPECT_THAT(read_values(*log_, "COPY"), ElementsAre(R"({"ITEM":"pen"})"));
}

TEST_F(MeasuredSession, ForgetsASignerWhomTheConfigurationNamesNoMore) {
  start({std::string(kMeasuredOrders)});
  run_proved(1, std::string(kCopy));
  auto records = journal();
  for (std::string& record : records) {
    Json json = Json::parse(record);
    if (json.contains("proof")) json["proof"] = "z" + json["proof"].get<std::string>().substr(1);
    record = json.dump();
  }
  replace_journal(records);
  start({std::string(kMeasuredOrders)});
  EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(MeasuredSession, RefusesAJournalThatWasChanged) {
  start({std::string(kMeasuredOrders)});
  run_proved(1, std::string(kCopy));
  run_proved(2, "TERMINATE ALL;");
  const std::vector<std::string> good = journal();
  std::vector<std::size_t> proved;
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (Json::parse(good[i]).contains("proof")) proved.push_back(i);
  }
  ASSERT_EQ(proved.size(), 2u);

  auto changed = good;  // another text under the same proof
  Json record = Json::parse(good[proved[0]]);
  record["sql"] = "CREATE STREAM leak AS SELECT * FROM orders EMIT CHANGES;";
  changed[proved[0]] = record.dump();
  replace_journal(changed);
  EXPECT_EQ(try_start({std::string(kMeasuredOrders)}).error().code(), ErrorCode::not_authentic);

  changed = good;  // the order
  std::swap(changed[proved[0]], changed[proved[1]]);
  replace_journal(changed);
  EXPECT_THAT(try_start({std::string(kMeasuredOrders)}).error().text(), HasSubstr(": replayed"));

  changed = good;  // twice: the second is the first
  changed.push_back(good[proved[0]]);
  replace_journal(changed);
  start({std::string(kMeasuredOrders)});
  EXPECT_THAT(ids(), IsEmpty());

  replace_journal(good);
  start({std::string(kMeasuredOrders)});
  EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(MeasuredSession, DoesWhatWasRecordedWhenTheProcessDiedBeforeItWasDone) {
  start({measured_both()});
  run_proved(1, "TERMINATE ALL; DROP STREAM copy;");
  run_proved(2, "CREATE STREAM other AS SELECT item FROM orders EMIT CHANGES;");
  auto records = journal();
  std::erase_if(records, [](const std::string& text) {  // of the statements only their proofs
    const std::string kind = Json::parse(text)["kind"];
    return kind == "terminate" || kind == "forgotten" || kind == "drop" ||
           text.find("CSAS_OTHER") != text.npos;
  });
  ASSERT_EQ(records.size(), 5u);  // a stream, a query, the configuration, two scripts
  replace_journal(records);
  start({measured_both()});
  ASSERT_EQ(session_->queries().size(), 1u);
  EXPECT_EQ(session_->queries()[0].sink, "OTHER");
}

TEST_F(MeasuredSession, BelievesNoIdsOfTheJournal) {
  const std::string two = measured_both() + std::string(kItems) + std::string(kInserts);
  start({two});
  const std::string copy = id_of("COPY"), items = id_of("ITEMS");
  run_proved(1, fmt::format("TERMINATE {};", items));
  auto records = journal();
  for (std::string& text : records) {  // the host swaps the ids of the two queries
    Json json = Json::parse(text);
    if (json["query"] == copy) {
      json["query"] = items;
    } else if (json["query"] == items) {
      json["query"] = copy;
    }
    text = json.dump();
  }
  replace_journal(records);
  if (const auto started = try_start({two}); started) {
    EXPECT_THAT(ids(), ElementsAre(copy));
  }
  replace_journal({});
  start({two});
  EXPECT_THAT(ids(), ElementsAre(copy, items));  // dropped records are not noticed: documented
}

}  // namespace
}  // namespace penstock::session::test
