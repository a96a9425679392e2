#include "topics/kafka/changelog.h"

#include "topics/test_log.h"

namespace penstock::topics::kafka {
namespace {

const TopicPartition& place() {
  static const TopicPartition at_place = at("s.Q_1.changelog", 0);
  return at_place;
}

// Records of a changelog, as its writer makes them.
struct Records {
  std::vector<std::pair<ByteBuffer, std::optional<ByteBuffer>>> list;
  ChangelogBalance balance;

  void commit(const std::vector<std::pair<std::string, std::optional<std::string>>>& changes) {
    ChangelogUpdate update(balance);
    for (const auto& [key, value] : changes) {
      list.emplace_back(state_record_key(as_bytes(key)), std::nullopt);
      if (value) {
        list.back().second = to_buffer(as_bytes(*value));
        update.put(as_bytes(key), as_bytes(*value));
      } else {
        update.erase(as_bytes(key));
      }
    }
    balance.apply(update);
    list.emplace_back(to_buffer(sum_record_key()), to_record(update.sum()));
  }
  ChangelogContent read() const {
    ChangelogContent content;
    for (const auto& [key, value] : list)
      must(content.take(
          {.key = key, .value = value ? std::optional<ByteView>(*value) : std::nullopt}));
    return content;
  }
};

Records three_commits() {
  Records records;
  records.commit({{"a", "1"}, {"b", "2"}});
  records.commit({{"a", "3"}, {"absent", std::nullopt}});
  records.commit({{"b", std::nullopt}, {"c", ""}, {"c", "4"}});
  return records;
}

TEST(KafkaChangelog, AddsUpHoweverItWasWritten) {
  Records records = three_commits();
  ChangelogContent content = records.read();
  EXPECT_EQ(content.entries().size(), 2u);
  EXPECT_EQ(content.balance().sum(), records.balance.sum());
  EXPECT_EQ(records.balance.sum().commits, 3u);
  Figures figures;
  EXPECT_TRUE(content.check(place(), 3, figures));
  EXPECT_TRUE(ChangelogContent().check(place(), 0, figures));
  EXPECT_TRUE(figures.now().misbehaviour.empty());
}

TEST(KafkaChangelog, IsTheSameCompacted) {
  Records records = three_commits();
  // What compaction leaves: the newest record of each key, no tombstones.
  std::map<ByteBuffer, std::optional<ByteBuffer>> newest;
  for (auto& [key, value] : records.list) newest[key] = value;
  records.list.clear();
  for (auto& [key, value] : newest)
    if (value) records.list.emplace_back(key, value);
  Figures figures;
  EXPECT_TRUE(records.read().check(place(), 3, figures));
}

TEST(KafkaChangelog, NoticesEveryRecordThatIsGoneOrOther) {
  const Records whole = three_commits();
  // "absent" and superseded records may go; each of these may not.
  for (std::size_t gone : {3, 6, 8, 9}) {
    Records records = whole;
    records.list.erase(records.list.begin() + static_cast<std::ptrdiff_t>(gone));
    Figures figures;
    Result<> checked = records.read().check(place(), 3, figures);
    ASSERT_FALSE(checked) << gone;
    EXPECT_EQ(checked.error().code(), ErrorCode::corrupt);
    ASSERT_EQ(figures.now().misbehaviour.size(), 1u);
    EXPECT_EQ(figures.now().misbehaviour[0].kind, "changelog_truncated");
  }
  Records changed = whole;
  changed.list[3].second = to_buffer(as_bytes("5"));
  Figures figures;
  EXPECT_FALSE(changed.read().check(place(), 3, figures));
}

TEST(KafkaChangelog, NoticesThatTheEndIsGone) {
  Records records = three_commits();
  records.list.resize(records.list.size() - 4);  // the third commit
  Figures figures;
  EXPECT_TRUE(records.read().check(place(), 2, figures));
  EXPECT_FALSE(records.read().check(place(), 3, figures)) << "the positions were committed with 3";
  EXPECT_FALSE(ChangelogContent().check(place(), 1, figures));
}

TEST(KafkaChangelog, RefusesForeignRecords) {
  ChangelogContent content;
  ByteBuffer sum = to_record({1, 2, 3});
  EXPECT_EQ(code_of(content.take({.key = std::nullopt, .value = as_bytes("x")})),
            ErrorCode::corrupt);
  EXPECT_EQ(code_of(content.take({.key = as_bytes(""), .value = as_bytes("x")})),
            ErrorCode::corrupt);
  EXPECT_EQ(code_of(content.take({.key = as_bytes("x"), .value = as_bytes("x")})),
            ErrorCode::corrupt);
  EXPECT_EQ(code_of(content.take({.key = sum_record_key(), .value = std::nullopt})),
            ErrorCode::corrupt);
  EXPECT_EQ(code_of(parse_sum(ByteView(sum).first(sum.size() - 1))), ErrorCode::corrupt);
  sum[0] = 2;
  EXPECT_EQ(code_of(parse_sum(sum)), ErrorCode::corrupt);
}

}  // namespace
}  // namespace penstock::topics::kafka
