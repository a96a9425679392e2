#include "session/statement_journal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "session/test_world.h"
#include "topics/test_delayed_log.h"
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
  auto entry = parse_record(to_record({12, "0123456789abcdef", kInsert}));
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
      R"("n":0,"id":"a","origin":"file","name":"S","query":"","start":"earliest","sql":"",)"
      R"("properties":{},"topic_deleted":false)";
  const auto code = [&](std::string_view front) {
    const auto parsed = parse_record(fmt::format("{{{},{}}}", front, kRest));
    return parsed ? ErrorCode::internal : parsed.error().code();
  };
  EXPECT_EQ(code(R"("v":3,"kind":"drop")"), ErrorCode::internal);
  EXPECT_EQ(code(R"("v":1,"kind":"drop")"), ErrorCode::unsupported);
  EXPECT_EQ(code(R"("v":4,"kind":"drop")"), ErrorCode::unsupported);
  EXPECT_EQ(code(R"("v":3,"kind":"dance")"), ErrorCode::corrupt);
  EXPECT_NE(code(R"("v":3,"kind":"insert")"), ErrorCode::internal);  // without a plan
  EXPECT_EQ(
      parse_record(
          R"({"v":3,"kind":"drop","n":0,"id":"a","origin":"file","name":"S","query":"","start":"earliest",)"
          R"("sql":"","properties":{"x":1}})")
          .error()
          .code(),
      ErrorCode::corrupt);
}

TEST(StatementJournal, KeepsOneRecordOfADefinitionUntilItEnds) {
  auto log = topics::make_memory_log(topics::test_identity());
  {
    auto journal = StatementJournal::open(*log, "svc").value();
    ASSERT_TRUE(journal->append({kInsert}));
    ASSERT_TRUE(journal->append({kInsert}));
    EXPECT_EQ(journal->entries().size(), 1u);
  }
  auto journal = StatementJournal::open(*log, "svc").value();
  EXPECT_EQ(journal->known_queries().size(), 1u);
  ASSERT_TRUE(journal->append({{.kind = Accepted::Kind::terminate,
                                .name = {},
                                .query_id = "INSERTQUERY_1",
                                .statement = "TERMINATE ALL"}}));
  EXPECT_TRUE(journal->known_queries().empty());
  ASSERT_TRUE(journal->append({kInsert}));
  EXPECT_EQ(journal->next_number(), 3);
  EXPECT_FALSE(StatementJournal::open(*log, "no/slash"));
}

TEST(StatementJournal, SharedOnesTakeTurnsAndRecordADefinitionOnce) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto one = StatementJournal::open(*log, "svc", true).value();
  auto other = StatementJournal::open(*log, "svc", true).value();
  Accepted second = kInsert;
  second.query_id = "INSERTQUERY_2";
  ASSERT_TRUE(one->append({kInsert}));
  ASSERT_TRUE(other->append({kInsert}));  // opens the writer, and finds it there
  ASSERT_TRUE(other->append({second}));
  ASSERT_TRUE(one->append({second}));
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
  ASSERT_TRUE(older->append({kInsert}));
  ASSERT_TRUE(newer->append({second}));
  for (int i = 0; i < 2; ++i) {
    second.query_id = "INSERTQUERY_3";
    const auto refused = older->append({second});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::fenced);
  }
  EXPECT_TRUE(newer->append({second}));
}

// Commits whose outcome nobody is told, as the next one's fate says.
class UntoldCommit final : public topics::Commit {
 public:
  UntoldCommit(std::unique_ptr<topics::Commit> inner, std::vector<bool>& untold)
      : inner_(std::move(inner)), untold_(untold) {}
  Result<> append(const topics::TopicPartition& to, const topics::RecordBatch& batch) override {
    return inner_->append(to, batch);
  }
  void advance(const topics::TaskId&, const topics::TopicPartition&, topics::Position) override {}
  topics::StateWrites& state(const topics::TaskId& task) override { return inner_->state(task); }
  void abort() override { inner_->abort(); }
  topics::CommitResult finish() override {
    if (untold_.empty()) return inner_->finish();
    const bool done = untold_.back();
    untold_.pop_back();
    if (done) (void)inner_->finish();
    if (!done) inner_->abort();
    return {topics::Outcome::unknown, Error(ErrorCode::timeout, "no answer")};
  }

 private:
  std::unique_ptr<topics::Commit> inner_;
  std::vector<bool>& untold_;
};

class UntoldWriter final : public topics::Writer {
 public:
  UntoldWriter(std::unique_ptr<topics::Writer> inner, std::vector<bool>& untold)
      : inner_(std::move(inner)), untold_(untold) {}
  Result<topics::Checkpoint> restore(const topics::TaskId& task,
                                     const topics::StateVisitor& visitor) override {
    return inner_->restore(task, visitor);
  }
  Result<> reset(const topics::TaskId& task, std::vector<topics::TaskPosition> at) override {
    return inner_->reset(task, std::move(at));
  }
  Result<> forget(const topics::TaskId& task) override { return inner_->forget(task); }
  Result<std::unique_ptr<topics::Commit>> begin() override {
    return std::make_unique<UntoldCommit>(TRY(inner_->begin()), untold_);
  }

 private:
  std::unique_ptr<topics::Writer> inner_;
  std::vector<bool>& untold_;
};

class UntoldLog final : public topics::DelayedLog {
 public:
  explicit UntoldLog(topics::Log& inner) : DelayedLog(inner), inner_(inner) {}
  Result<std::unique_ptr<topics::Writer>> writer(const topics::WriterId& id) override {
    return std::make_unique<UntoldWriter>(TRY(inner_.writer(id)), untold);
  }
  std::vector<bool> untold;  // of the next commits, the last first: true: it happens all the same

 private:
  topics::Log& inner_;
};

TEST(StatementJournal, SettlesACommitWhoseOutcomeIsNotKnown) {
  for (const std::vector<bool>& fate :
       {std::vector{true}, std::vector{false}, std::vector{true, false}}) {
    auto memory = topics::make_memory_log(topics::test_identity());
    UntoldLog log(*memory);
    auto journal = StatementJournal::open(log, "svc").value();
    log.untold = fate;
    const auto done = journal->append({kInsert});
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_EQ(*done, StatementJournal::Recorded::now);
    EXPECT_EQ(journal->entries().size(), 1u);
    EXPECT_EQ(StatementJournal::open(*memory, "svc").value()->entries().size(), 1u);
  }
}

TEST(StatementJournal, WritesARowAndItsRecordTogetherAndOnce) {
  auto memory = topics::make_memory_log(topics::test_identity());
  UntoldLog log(*memory);
  make_topic(*memory, "rows");
  auto journal = StatementJournal::open(log, "svc").value();
  const Accepted row{.kind = Accepted::Kind::row,
                     .name = "S",
                     .query_id = {},
                     .statement = "INSERT INTO s VALUES (1)",
                     .key = "one"};
  const auto beside = [](topics::Commit& commit) -> Result<> {
    topics::RecordBatch batch;
    batch.append({.key = std::nullopt, .value = as_bytes("row"), .timestamp_ms = 1});
    return commit.append({topic_name("rows"), 0}, batch);
  };
  log.untold = {true, false};
  EXPECT_EQ(journal->append({row}, beside).value(), StatementJournal::Recorded::now);
  EXPECT_EQ(journal->append({row}, beside).value(), StatementJournal::Recorded::before);
  EXPECT_EQ(read_values(*memory, "rows").size(), 1u);
}

TEST(StatementJournal, RecordsSeveralInOneCommit) {
  auto log = topics::make_memory_log(topics::test_identity());
  auto journal = StatementJournal::open(*log, "svc").value();
  const Accepted end{.kind = Accepted::Kind::terminate,
                     .name = {},
                     .query_id = kInsert.query_id,
                     .statement = "TERMINATE",
                     .tasks = 3};
  ASSERT_TRUE(journal->append({kInsert}));
  ASSERT_TRUE(journal->append({end, kInsert}));  // the end makes the same definition a new one
  EXPECT_EQ(journal->entries().size(), 3u);
  EXPECT_EQ(journal->entries()[1].id, journal->entries()[2].id);
  EXPECT_EQ(journal->state().to_forget().at(kInsert.query_id), 3);
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
