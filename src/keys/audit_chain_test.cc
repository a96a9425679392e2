#include "keys/audit_chain.h"

#include <gtest/gtest.h>

namespace penstock::keys {
namespace {

std::vector<AuditEntry> chain(int count) {
  std::vector<AuditEntry> entries;
  AuditHead head;
  for (int i = 1; i <= count; ++i) {
    AuditEntry entry{.sequence = i,
                     .time_ms = 1000 + i,
                     .actor = "admin",
                     .action = "app.put",
                     .app = "payments",
                     .subject = std::to_string(i),
                     .outcome = "done"};
    entry.rules = Json::array({"measurement"});
    entry.previous = head.hash;
    entry.hash = audit_hash(entry).value();
    head = {entry.sequence, entry.hash};
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string error_of(const Result<AuditHead>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? "" : result.error().text();
}

TEST(AuditChain, AcceptsWhatWasWritten) {
  const auto entries = chain(5);
  const auto head = verify_chain(entries);
  ASSERT_TRUE(head) << head.error().text();
  EXPECT_EQ(head->sequence, 5);
  EXPECT_EQ(head->hash, entries.back().hash);
  EXPECT_EQ(verify_chain({})->sequence, 0);
}

TEST(AuditChain, HashIsOverTheCanonicalFormWithoutHash) {
  const auto entries = chain(1);
  const std::string text =
      R"({"action":"app.put","actor":"admin","app":"payments","outcome":"done","previous":")" +
      std::string(64, '0') +
      R"(","rules":["measurement"],"sequence":1,"subject":"1","time_ms":1001})";
  EXPECT_EQ(entries[0].hash, crypto::sha256(as_bytes(text)));
}

TEST(AuditChain, JsonGoesThereAndBack) {
  const auto entries = chain(2);
  const auto again = parse_audit_entry(to_json(entries[1]));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(to_json(*again), to_json(entries[1]));
  Json more = to_json(entries[1]);
  more["extra"] = 1;
  EXPECT_FALSE(parse_audit_entry(more));
  const AuditHead head{7, entries[0].hash};
  EXPECT_EQ(parse_audit_head(to_json(head)).value(), head);
}

TEST(AuditChain, AChangedEntryIsNamed) {
  for (std::size_t i = 0; i < 4; ++i) {
    auto entries = chain(4);
    entries[i].outcome = "denied";
    EXPECT_NE(error_of(verify_chain(entries)).find("entry " + std::to_string(i + 1)),
              std::string::npos);
  }
}

TEST(AuditChain, AChangedEntryWithANewHashIsFoundAtItsSuccessor) {
  auto entries = chain(4);
  entries[1].outcome = "denied";
  entries[1].hash = audit_hash(entries[1]).value();
  EXPECT_NE(error_of(verify_chain(entries)).find("entry 3"), std::string::npos);
}

TEST(AuditChain, MissingEntriesAreFound) {
  auto entries = chain(4);
  entries.erase(entries.begin() + 1);
  EXPECT_NE(error_of(verify_chain(entries)).find("entry 2"), std::string::npos);
}

TEST(AuditChain, AnOlderCopyIsFoundByTheRememberedHead) {
  const auto entries = chain(6);
  const AuditHead remembered{5, entries[4].hash};
  EXPECT_TRUE(verify_chain(entries, remembered));
  const std::span all(entries);
  EXPECT_NE(error_of(verify_chain(all.first(3), remembered)).find("older copy"), std::string::npos);
}

TEST(AuditChain, ARewrittenLogIsFoundByTheRememberedHead) {
  const auto entries = chain(6);
  AuditHead remembered{5, entries[4].hash};
  remembered.hash[0] ^= 1;
  EXPECT_NE(error_of(verify_chain(entries, remembered)).find("entry 5"), std::string::npos);
}

TEST(AuditChain, AHeadThatTheEntriesDoNotReachIsFound) {
  const auto entries = chain(2);
  AuditChainCheck check;
  for (const auto& entry : entries) ASSERT_TRUE(check.take(entry));
  EXPECT_TRUE(check.finish({2, entries[1].hash}));
  EXPECT_FALSE(check.finish({3, entries[1].hash}));
  EXPECT_FALSE(check.finish({2, entries[0].hash}));
}

}  // namespace
}  // namespace penstock::keys
