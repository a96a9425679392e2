// Compaction of compacted topics: what stays, what goes, and that readers see one or the other.
#include <fstream>
#include <map>

#include <gmock/gmock.h>

#include "topics/embedded_log.h"
#include "topics/limits.h"
#include "topics/log_client.h"
#include "topics/repair.h"
#include "topics/test_log.h"
#include "topics/test_state_key.h"

namespace penstock::topics {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr data::TimestampMs kLongAfter = kTombstoneKept_ms + 1'000'000;

// Value by key, in the order of the offsets; a tombstone is "-".
using Content = std::vector<std::pair<std::string, std::string>>;

class CompactionTest : public ::testing::Test {
 protected:
  std::unique_ptr<EmbeddedLog> open(bool serve = false) {
    return must(EmbeddedLog::open({.folder = folder_.path(),
                                   .segment_bytes = 20'000,
                                   .serve = serve,
                                   .identity = test_identity("compaction"),
                                   .sweep_every = 0ms}));
  }
  void SetUp() override {
    log_ = open();
    must(log_->create({topic("t"), 1, true}));
  }
  // Two records; a segment's worth of bytes with the padding, which has a key of its own.
  void write(const std::string& key, std::optional<std::string> value, int round = 0) {
    auto w = must(log_->writer(WriterId("w")));
    auto commit = must(w->begin());
    const std::string pad(15'000, static_cast<char>('a' + round % 26));
    RecordBatch batch;
    batch.append({.key = as_bytes(key),
                  .value = value ? std::optional(as_bytes(*value)) : std::nullopt,
                  .timestamp_ms = 1000});
    batch.append({.key = as_bytes("pad"), .value = as_bytes(pad), .timestamp_ms = 1000});
    must(commit->append(at("t", 0), batch));
    must_finish(*commit);
  }
  static Content content(Log& log, Offset from = 0, std::size_t bytes_max = 64 << 10) {
    Content out;
    auto reader = must(log.reader(at("t", 0), from));
    const Offset end = must(reader->end());
    ReadBuffer buffer;
    for (Offset last = from - 1; must(next_before(log, *reader, end, buffer, bytes_max)) > 0;)
      for (std::size_t row = 0; row < buffer.size(); ++row) {
        EXPECT_GT(buffer.offsets[row], last);
        last = buffer.offsets[row];
        const std::string key(as_text(buffer.keys[row].bytes()));
        if (key == "pad") continue;
        out.emplace_back(key, buffer.values[row].is_null()
                                  ? "-"
                                  : std::string(as_text(buffer.values[row].bytes())));
      }
    EXPECT_EQ(reader->position(), end);
    return out;
  }
  PartitionInfo range() { return must(log_->describe(topic("t"))).partitions[0]; }

  TemporaryFolder folder_;
  std::unique_ptr<EmbeddedLog> log_;
};

TEST_F(CompactionTest, TheNewestRecordOfEachKeyStays) {
  for (int i = 0; i < 12; ++i) write("k" + std::to_string(i % 3), "v" + std::to_string(i), i);
  const PartitionInfo before = range();
  log_->sweep(2000);
  const PartitionInfo after = range();
  EXPECT_EQ(after.first, before.first);
  EXPECT_EQ(after.end, before.end);
  EXPECT_LT(after.bytes, before.bytes / 4);
  const Content kept{{"k0", "v9"}, {"k1", "v10"}, {"k2", "v11"}};
  EXPECT_EQ(content(*log_), kept);
  EXPECT_EQ(content(*log_, 0, 1), kept) << "in the smallest pieces";
  EXPECT_EQ(content(*log_, 7), kept) << "from the middle of a gap";
  EXPECT_EQ(content(*log_, 20), (Content{{"k1", "v10"}, {"k2", "v11"}}));

  log_.reset();
  EXPECT_TRUE(must(plan_repair(folder_.path())).whole());
  log_ = open(true);
  EXPECT_EQ(content(*log_), kept);
  auto client = must(connect_log(folder_.path()));
  EXPECT_EQ(content(*client), kept);
  EXPECT_EQ(content(*client, 7), kept);
  client.reset();
  for (int i = 0; i < 12; ++i) write("k" + std::to_string(i % 2), "w" + std::to_string(i), i);
  log_->sweep(2000);
  EXPECT_EQ(content(*log_), (Content{{"k2", "v11"}, {"k0", "w10"}, {"k1", "w11"}}));
  EXPECT_LT(range().bytes, before.bytes / 4);
}

TEST_F(CompactionTest, RecordsWithoutAKeyStay) {
  auto w = must(log_->writer(WriterId("nameless")));
  must_commit(*w, at("t", 0), {"nameless"});
  for (int i = 0; i < 6; ++i) write("k", "v" + std::to_string(i), i);
  log_->sweep(2000);
  EXPECT_EQ(content(*log_), (Content{{"", "nameless"}, {"k", "v5"}}));
}

TEST_F(CompactionTest, ATombstoneGoesAfterADay) {
  write("gone", "value");
  write("gone", std::nullopt);
  for (int i = 0; i < 6; ++i) write("k", "v" + std::to_string(i), i);
  log_->sweep(2000);
  EXPECT_EQ(content(*log_), (Content{{"gone", "-"}, {"k", "v5"}}));
  for (int i = 0; i < 12; ++i) write("k", "w" + std::to_string(i), i);
  log_->sweep(kLongAfter);
  EXPECT_EQ(content(*log_), (Content{{"k", "w11"}}));
}

TEST_F(CompactionTest, WhatATaskHasYetToReadStays) {
  for (int i = 0; i < 12; ++i) write("k", "v" + std::to_string(i), i);
  auto w = must(log_->writer(WriterId("reader")));
  open_tasks(*w, {TaskId("Q.0/0")});
  auto commit = must(w->begin());
  commit->advance(TaskId("Q.0/0"), at("t", 0), LogPosition{.next = 9});
  must_finish(*commit);
  log_->sweep(2000);
  const Content seen = content(*log_);
  ASSERT_EQ(seen.size(), 8u) << "from the segment on that holds offset 9";
  EXPECT_EQ(seen.front().second, "v4");
}

TEST_F(CompactionTest, ReadersGoOnWhileItHappens) {
  for (int i = 0; i < 12; ++i) write("k" + std::to_string(i), "v" + std::to_string(i % 2), i);
  auto reader = must(log_->reader(at("t", 0), 0));
  ReadBuffer buffer;
  ASSERT_GT(must(reader->next(buffer, 1)), 0u);
  const Offset next = reader->position();
  for (int i = 0; i < 12; ++i) write("k" + std::to_string(i), "w", i);
  log_->sweep(2000);
  std::map<std::string, std::string> newest;
  const Offset end = must(reader->end());
  EXPECT_EQ(reader->position(), next);
  while (must(next_before(*log_, *reader, end, buffer, 1000)) > 0)
    for (std::size_t row = 0; row < buffer.size(); ++row)
      newest[std::string(as_text(buffer.keys[row].bytes()))] =
          std::string(as_text(buffer.values[row].bytes()));
  newest.erase("pad");
  EXPECT_EQ(newest.size(), 12u);
  for (const auto& [key, value] : newest) EXPECT_EQ(value, "w") << key;
}

TEST_F(CompactionTest, OtherTopicsKeepEverything) {
  must(log_->create({topic("plain"), 1, false}));
  auto w = must(log_->writer(WriterId("w")));
  for (int i = 0; i < 30; ++i) must_commit(*w, at("plain", 0), {std::string(9000, 'x')});
  log_->sweep(kLongAfter);
  EXPECT_EQ(read_all(*log_, at("plain", 0)).size(), 30u);
}

TEST_F(CompactionTest, WhatACrashLeftGoesWhenTheFolderIsOpened) {
  write("k", "v");
  log_.reset();
  const auto left = folder_.path() / "topics/t/0/00000000000000000000.seg.compacted";
  std::ofstream(left) << "half";
  log_ = open();
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_EQ(content(*log_), (Content{{"k", "v"}}));
}

}  // namespace
}  // namespace penstock::topics
