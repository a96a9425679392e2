#include "manager/audit_log.h"

#include <fstream>
#include <thread>

#include "manager/audit_reader.h"
#include "manager/schema.h"
#include "manager/test_manager.h"

namespace penstock::manager {
namespace {

class AuditLogTest : public ::testing::Test {
 protected:
  Database database() const {
    auto database = must(Database::open(path(), Database::Access::write));
    must(database.migrate(kMigrations));
    return database;
  }
  std::filesystem::path path() const { return folder_.path() / "manager.sqlite"; }
  std::vector<keys::AuditEntry> entries() const {
    auto reader = must(AuditReader::open(path()));
    std::vector<keys::AuditEntry> out;
    for (const Json& entry : must(reader->page(1, 100'000)))
      out.push_back(must(keys::parse_audit_entry(entry)));
    return out;
  }

  ManualClock clock_{1'700'000'000'000};
  TemporaryFolder folder_;
};

AuditDraft draft(std::string subject, std::string app = "") {
  return {.actor = "admin",
          .action = "test",
          .app = std::move(app),
          .subject = std::move(subject),
          .outcome = "done"};
}

StoreChange put_meta(const char* name, const char* value) {
  return [name, value](Database& database, AuditDraft&) -> Result<> {
    Statement put = TRY(database.prepare("INSERT INTO meta(name, value) VALUES(?, ?)"));
    return put.bind(1, std::string_view(name)).bind(2, std::string_view(value)).run();
  };
}

TEST_F(AuditLogTest, ChainsEntriesOfManyThreadsAndGoesOnAfterReopening) {
  {
    auto log = must(AuditLog::open(database(), clock_));
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 25; ++j) must(log->append(draft("x")));
      });
    }
    threads.clear();
    EXPECT_EQ(log->head().sequence, 400);
  }
  auto log = must(AuditLog::open(database(), clock_));
  must(log->append(draft("after")));
  const auto all = entries();
  const auto head = must(keys::verify_chain(all));
  EXPECT_EQ(head, log->head());
  EXPECT_EQ(head.sequence, 401);
  EXPECT_EQ(all.back().subject, "after");
  EXPECT_EQ(all.back().time_ms, clock_.now_ms());
}

TEST_F(AuditLogTest, AChangeAndItsEntryComeTogetherOrNotAtAll) {
  auto log = must(AuditLog::open(database(), clock_));
  must(log->change(draft("first"), put_meta("a", "1")));
  const auto again = log->change(draft("second"), put_meta("a", "2"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::already_exists);
  const auto half = log->change(draft("third"), [](Database& database, AuditDraft&) -> Result<> {
    TRY(database.execute("INSERT INTO meta(name, value) VALUES('b', '1')"));
    return fail(ErrorCode::failed_precondition, "no");
  });
  EXPECT_FALSE(half);
  const auto unwritable = log->change(draft("\xff"), put_meta("c", "1"));
  EXPECT_FALSE(unwritable);
  EXPECT_EQ(log->head().sequence, 1);
  auto reader = must(Database::open(path(), Database::Access::read));
  Statement count = must(reader.prepare("SELECT count(*) FROM meta"));
  ASSERT_TRUE(must(count.step()));
  EXPECT_EQ(count.integer(0), 1);
}

TEST_F(AuditLogTest, ADecisionOnWhatHasChangedIsFenced) {
  auto log = must(AuditLog::open(database(), clock_));
  must(log->append_at(0, draft("on time")));
  must(log->change(draft("change"), put_meta("a", "1")));
  const auto late = log->append_at(0, draft("late"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::fenced);
  must(log->append_at(1, draft("again")));
  EXPECT_EQ(log->head().sequence, 3);
}

TEST_F(AuditLogTest, AFullDiskFailsTheEntryAndSaysSo) {
  auto full = database();
  must(full.execute("PRAGMA max_page_count = 40"));
  auto log = must(AuditLog::open(std::move(full), clock_));
  Result<> done;
  std::int64_t written = 0;
  for (int i = 0; i < 1000 && done; ++i) {
    done = log->append(draft(std::string(1000, 'x')));
    if (done) ++written;
  }
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::out_of_space) << done.error().text();
  EXPECT_EQ(facts_of(done.error().code()).http_status, 507);
  EXPECT_EQ(log->head().sequence, written);
  EXPECT_EQ(must(keys::verify_chain(entries())), log->head());
}

TEST_F(AuditLogTest, LongTextsAreCutBetweenCharacters) {
  auto log = must(AuditLog::open(database(), clock_));
  std::string text;
  while (text.size() <= kAuditTextBytesMax) text += "\xe2\x82\xac";
  must(log->append(draft(text)));
  EXPECT_LT(entries().back().subject.size(), kAuditTextBytesMax + 32);
}

TEST_F(AuditLogTest, ANewerSchemaIsNotTouched) {
  auto newer = database();
  must(newer.execute("INSERT INTO schema_version(version) VALUES(99)"));
  const auto refused = newer.migrate(kMigrations);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::failed_precondition);
}

TEST_F(AuditLogTest, WhatIsNoDatabaseIsCorrupt) {
  std::ofstream(path()) << std::string(8192, 'x');
  const auto opened = Database::open(path(), Database::Access::write);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::corrupt);
}

}  // namespace
}  // namespace penstock::manager
