#include "cli/audit_check.h"

#include <gtest/gtest.h>

namespace penstock::cli {
namespace {

using keys::AuditEntry;
using keys::AuditHead;

// A log of `count` entries whose subjects are told apart by `mark`.
std::vector<AuditEntry> make_log(int count, const std::string& mark, int marked_from = 1) {
  std::vector<AuditEntry> log;
  for (int i = 1; i <= count; ++i) {
    AuditEntry entry;
    entry.sequence = i;
    entry.time_ms = 1000 + i;
    entry.actor = "admin";
    entry.action = "app.put";
    entry.subject = i >= marked_from ? mark : "same";
    entry.outcome = "done";
    if (!log.empty()) entry.previous = log.back().hash;
    entry.hash = *keys::audit_hash(entry);
    log.push_back(entry);
  }
  return log;
}

AuditHead head_of(const std::vector<AuditEntry>& log, std::size_t count) {
  return {log[count - 1].sequence, log[count - 1].hash};
}

Result<AuditHead> check(const std::vector<AuditEntry>& log, std::optional<AuditHead> remembered) {
  AuditCheck check(remembered);
  for (const AuditEntry& entry : log) TRY(check.take(keys::to_json(entry)));
  return check.finish(log.empty() ? AuditHead{} : head_of(log, log.size()));
}

TEST(AuditCheck, AWholeLogIsGoodAndTellsItsEnd) {
  const auto log = make_log(5, "a");
  EXPECT_EQ(check(log, std::nullopt).value(), head_of(log, 5));
  EXPECT_EQ(check(log, head_of(log, 3)).value(), head_of(log, 5));
  EXPECT_EQ(check(log, head_of(log, 5)).value(), head_of(log, 5));
  EXPECT_EQ(check({}, std::nullopt).value(), AuditHead{});
}

TEST(AuditCheck, AShorterLogIsAnOlderCopyThatMissesAnEntry) {
  const auto log = make_log(5, "a");
  const auto found = check(make_log(3, "a"), head_of(log, 5));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::corrupt);
  EXPECT_NE(found.error().text().find("older copy"), std::string::npos) << found.error().text();
  EXPECT_NE(found.error().text().find("entry 5 that was seen before is missing"),
            std::string::npos);
}

TEST(AuditCheck, AnOlderCopyThatGrewAgainIsNoticedByAnEntryThatDiffers) {
  const auto log = make_log(5, "a");
  const auto found = check(make_log(9, "b", 4), head_of(log, 5));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::corrupt);
  EXPECT_NE(found.error().text().find("older copy"), std::string::npos) << found.error().text();
  EXPECT_NE(found.error().text().find("entry 5 that was seen before is different"),
            std::string::npos);
}

TEST(AuditCheck, ChangedMissingAndMalformedEntriesAreCorrupt) {
  auto changed = make_log(4, "a");
  changed[1].outcome = "granted";
  auto cut = make_log(4, "a");
  cut.erase(cut.begin() + 1);
  for (const auto& log : {changed, cut}) {
    const auto found = check(log, std::nullopt);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), ErrorCode::corrupt);
  }
  AuditCheck damaged(std::nullopt);
  const Result<> taken = damaged.take({{"sequence", 1}, {"damaged", true}});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), ErrorCode::corrupt);
}

TEST(AuditCheck, AHeadThatIsNotReachedIsCorrupt) {
  const auto log = make_log(3, "a");
  AuditCheck check(std::nullopt);
  for (const AuditEntry& entry : log) ASSERT_TRUE(check.take(keys::to_json(entry)));
  EXPECT_FALSE(check.finish({4, log[2].hash}));
}

}  // namespace
}  // namespace penstock::cli
