#include "topics/kafka/changelog.h"

#include <gmock/gmock.h>

#include "topics/kafka/task_facts.h"
#include "topics/test_log.h"
#include "topics/test_state_key.h"

namespace penstock::topics::kafka {
namespace {

const TaskId kChangelogTask("Q_1/0");

TaskPlace changelog_place() {
  return must(place_of("s", kChangelogTask));
}

std::optional<std::string> no_topic(const TopicPartition&) {
  return std::nullopt;
}

// Records of a changelog, as its writer makes them.
struct Records {
  std::vector<std::pair<ByteBuffer, std::optional<ByteBuffer>>> list;
  StateIdentity identity = test_identity();
  OpenTask open{identity, kChangelogTask};

  void commit(const std::vector<std::pair<std::string, std::optional<std::string>>>& changes) {
    TaskChanges update(open);
    for (const auto& [key, value] : changes) {
      list.emplace_back(state_record_key(as_bytes(key)), std::nullopt);
      if (value) {
        list.back().second = to_buffer(as_bytes(*value));
        update.put(as_bytes(key), as_bytes(*value));
      } else {
        update.erase(as_bytes(key));
      }
    }
    update.advance(at("in", 0), LogPosition{static_cast<Offset>(open.checkpoint.commit + 1)});
    list.emplace_back(to_buffer(checkpoint_record_key()),
                      must(update.seal(identity, no_topic))->bytes);
    update.apply();
  }
  ChangelogContent read() const {
    ChangelogContent content;
    for (const auto& [key, value] : list)
      must(content.take(
          {.key = key, .value = value ? std::optional<ByteView>(*value) : std::nullopt}));
    return content;
  }
  Result<std::unique_ptr<OpenTask>> verify(std::uint64_t commits_min = 0) {
    return verified_task(kChangelogTask, changelog_place(), read(), commits_min, identity, no_topic,
                         figures);
  }
  Figures figures;
};

void fill(Records& records) {
  records.commit({{"a", "1"}, {"b", "2"}});
  records.commit({{"a", "3"}, {"absent", std::nullopt}});
  records.commit({{"b", std::nullopt}, {"c", ""}, {"c", "4"}});
}

TEST(KafkaChangelog, OpensAsItWasCommitted) {
  Records records;
  fill(records);
  const auto open = must(records.verify(3));
  EXPECT_EQ(open->checkpoint, records.open.checkpoint);
  EXPECT_EQ(open->checkpoint.commit, 3u);
  EXPECT_EQ(open->hash, records.open.hash);
  EXPECT_EQ(open->digest.entries(), 2u);
  EXPECT_TRUE(records.figures.now().misbehaviour.empty());
  Records empty;
  EXPECT_EQ(must(empty.verify())->checkpoint.commit, 0u);
}

TEST(KafkaChangelog, IsTheSameCompacted) {
  Records records;
  fill(records);
  // What compaction leaves: the newest record of each key, no tombstones.
  std::map<ByteBuffer, std::optional<ByteBuffer>> newest;
  for (auto& [key, value] : records.list) newest[key] = value;
  records.list.clear();
  for (auto& [key, value] : newest)
    if (value) records.list.emplace_back(key, value);
  EXPECT_TRUE(records.verify(3));
}

TEST(KafkaChangelog, NoticesEveryRecordThatIsGoneOrOther) {
  // "absent" and superseded records may go; each of these may not.
  for (std::size_t gone : {3, 6, 8, 9}) {
    Records records;
    fill(records);
    records.list.erase(records.list.begin() + static_cast<std::ptrdiff_t>(gone));
    const auto checked = records.verify(3);
    ASSERT_FALSE(checked) << gone;
    EXPECT_EQ(checked.error().code(), ErrorCode::corrupt);
    ASSERT_EQ(records.figures.now().misbehaviour.size(), 1u);
    EXPECT_EQ(records.figures.now().misbehaviour[0].kind, "changelog_truncated");
  }
  Records changed;
  fill(changed);
  changed.list[3].second = to_buffer(as_bytes("5"));
  EXPECT_FALSE(changed.verify(3));
}

TEST(KafkaChangelog, NoticesACheckpointOfAnotherCommitTaskOrKey) {
  Records records;
  fill(records);
  const ByteBuffer newest = *records.list.back().second, older = *records.list[5].second;
  records.list.back().second = older;  // put back one commit, the state is that of the newest
  EXPECT_FALSE(records.verify());
  records.list.back().second = newest;
  EXPECT_TRUE(records.verify());
  EXPECT_EQ(code_of(verified_task(TaskId("Q_1/1"), changelog_place(), records.read(), 0,
                                  records.identity, no_topic, records.figures)),
            ErrorCode::corrupt);
  EXPECT_EQ(code_of(verified_task(kChangelogTask, changelog_place(), records.read(), 0,
                                  test_identity("test", 2), no_topic, records.figures)),
            ErrorCode::corrupt);
}

TEST(KafkaChangelog, NoticesThatTheEndOrAllOfItIsGone) {
  Records records;
  fill(records);
  records.list.resize(records.list.size() - 4);  // the third commit
  EXPECT_TRUE(records.verify(2));
  EXPECT_FALSE(records.verify(3)) << "the offsets were mirrored with 3";
  records.list.clear();
  const auto lost = records.verify(1);
  ASSERT_FALSE(lost);
  EXPECT_THAT(lost.error().text(), testing::HasSubstr("position_lost"));
  EXPECT_THAT(lost.error().text(), testing::HasSubstr("ALTER QUERY Q_1 RESET POSITIONS"));
}

TEST(KafkaChangelog, AForgottenTaskIsNew) {
  Records records;
  fill(records);
  for (const char* key : {"a", "c"})
    records.list.emplace_back(state_record_key(as_bytes(key)), std::nullopt);
  records.list.emplace_back(to_buffer(checkpoint_record_key()), std::nullopt);
  EXPECT_EQ(must(records.verify(0))->checkpoint.commit, 0u);
}

TEST(KafkaChangelog, RefusesForeignRecords) {
  ChangelogContent content;
  for (const auto& key :
       {std::optional<ByteView>(), std::optional(as_bytes("")), std::optional(as_bytes("x"))})
    EXPECT_EQ(code_of(content.take({.key = key, .value = as_bytes("x")})), ErrorCode::corrupt);
}

}  // namespace
}  // namespace penstock::topics::kafka
