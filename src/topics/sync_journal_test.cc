// Commits of several partitions that wait for the disk: what the journal holds while the segments
// are not synced, and what comes of it after a power loss.
#include "topics/sync_journal.h"

#include <sys/stat.h>

#include <fstream>

#include <fmt/format.h>

#include "topics/limits.h"
#include "topics/repair.h"
#include "topics/test_log.h"
#include "topics/test_state_key.h"

namespace penstock::topics {
namespace {

constexpr int kJournalPartitions = 4;

class FailSyncs final : public FaultPort {
 public:
  int before(DiskStep step, std::size_t) override {
    return step == DiskStep::sync && armed ? EIO : 0;
  }
  bool armed = false;
};

class JournaledLog : public ::testing::Test {
 protected:
  std::unique_ptr<EmbeddedLog> open(const std::filesystem::path& folder,
                                    Durability durability = Durability::disk) {
    return must(try_open(folder, durability));
  }
  Result<std::unique_ptr<EmbeddedLog>> try_open(const std::filesystem::path& folder,
                                                Durability durability = Durability::disk) {
    return EmbeddedLog::open({.folder = folder,
                              .durability = durability,
                              .serve = false,
                              .faults = &faults_,
                              .identity = test_identity()});
  }
  void make(EmbeddedLog& log) { must(log.create({topic("t"), kJournalPartitions, false})); }
  // A record to each partition, in one commit.
  static CommitResult commit(Writer& writer, int number) {
    auto commit = must(writer.begin());
    for (int p = 0; p < kJournalPartitions; ++p)
      must(commit->append(at("t", p), values({text_of(number, p)})));
    return commit->finish();
  }
  static std::string text_of(int number, int partition) {
    return std::to_string(number) + " of " + std::to_string(partition);
  }
  static void expect_records(EmbeddedLog& log, int count) {
    for (int p = 0; p < kJournalPartitions; ++p) {
      std::vector<std::string> expected;
      for (int i = 0; i < count; ++i) expected.push_back(text_of(i, p));
      EXPECT_EQ(read_all(log, at("t", p)), expected);
    }
  }
  // The folder as it is now, as a power loss leaves it: what was written to segments behind
  // `synced` bytes did not get to the disk.
  std::filesystem::path copy_without(std::uint64_t synced) {
    const auto copy = copies_.path() / std::to_string(copies_made_++);
    std::filesystem::copy(folder_.path(), copy, std::filesystem::copy_options::recursive);
    for (int p = 0; p < kJournalPartitions; ++p) {
      const auto segment = copy / "topics" / "t" / std::to_string(p) / segment_file_name(0);
      const auto size = std::filesystem::file_size(segment);
      std::filesystem::resize_file(segment, synced);
      std::filesystem::resize_file(segment, size);  // zeros
    }
    return copy;
  }
  static bool has_journal(const std::filesystem::path& folder) {
    return std::filesystem::exists(folder / kJournalName);
  }

  FailSyncs faults_;
  TemporaryFolder folder_, copies_;
  int copies_made_ = 0;
};

TEST_F(JournaledLog, APowerLossTakesNothing) {
  auto log = open(folder_.path());
  make(*log);
  auto writer = must(log->writer(WriterId("w")));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(commit(*writer, i).outcome, Outcome::committed);
  for (const std::uint64_t synced : {0, 100}) {
    for (const Durability durability : {Durability::disk, Durability::os}) {
      const auto copy = copy_without(synced);
      ASSERT_TRUE(has_journal(copy));
      expect_records(*open(copy, durability), 5);
      EXPECT_FALSE(has_journal(copy));
      expect_records(*open(copy), 5);
    }
  }
  // Without the journal they are gone, and that is noticed.
  const auto copy = copy_without(0);
  std::filesystem::remove(copy / kJournalName);
  EXPECT_EQ(code_of(try_open(copy)), ErrorCode::corrupt);
  EXPECT_FALSE(must(plan_repair(copy)).whole());
  // Repair knows of it, too.
  EXPECT_TRUE(must(plan_repair(copy_without(0))).whole());
}

TEST_F(JournaledLog, WhatIsNoFileInItsPlaceIsSaid) {
  open(folder_.path()).reset();
  const auto path = folder_.path() / kJournalName;
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(code_of(try_open(folder_.path())), ErrorCode::failed_precondition);
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(code_of(try_open(folder_.path())), ErrorCode::failed_precondition);
  std::filesystem::remove(path);
  open(folder_.path());
}

TEST_F(JournaledLog, EndsCleanlyWithoutOne) {
  auto log = open(folder_.path());
  make(*log);
  auto writer = must(log->writer(WriterId("w")));
  EXPECT_EQ(commit(*writer, 0).outcome, Outcome::committed);
  EXPECT_TRUE(has_journal(folder_.path()));
  writer.reset();
  log.reset();
  EXPECT_FALSE(has_journal(folder_.path()));
  expect_records(*open(folder_.path()), 1);
}

TEST_F(JournaledLog, StartsAnewWhenItIsFull) {
  auto log = open(folder_.path());
  make(*log);
  auto writer = must(log->writer(WriterId("w")));
  const std::string large(60'000, 'x');  // 17 rounds fill it
  for (int i = 0; i < 40; ++i) {
    auto commit = must(writer->begin());
    for (int p = 0; p < kJournalPartitions; ++p)
      must(commit->append(at("t", p), values({large + std::to_string(i)})));
    must_finish(*commit);
  }
  const auto copy = copies_.path() / "copy";
  std::filesystem::copy(folder_.path(), copy, std::filesystem::copy_options::recursive);
  // The last rounds are gone; those before were synced when the journal began anew.
  const std::uint64_t synced = 35 * 60'000;
  for (int p = 0; p < kJournalPartitions; ++p) {
    const auto segment = copy / "topics" / "t" / std::to_string(p) / segment_file_name(0);
    std::filesystem::resize_file(segment, synced);
  }
  auto reopened = open(copy);
  for (int p = 0; p < kJournalPartitions; ++p)
    EXPECT_EQ(read_all(*reopened, at("t", p), 0, 4 << 20).size(), 40u);
}

TEST_F(JournaledLog, WhatWasNotCommittedDoesNotComeBack) {
  auto log = open(folder_.path());
  make(*log);
  auto writer = must(log->writer(WriterId("w")));
  EXPECT_EQ(commit(*writer, 0).outcome, Outcome::committed);
  faults_.armed = true;
  EXPECT_EQ(commit(*writer, 7).outcome, Outcome::aborted);
  faults_.armed = false;
  EXPECT_EQ(commit(*writer, 1).outcome, Outcome::committed);
  expect_records(*log, 2);
  expect_records(*open(copy_without(0)), 2);
}

TEST_F(JournaledLog, ADatabaseThatHasLostARoundIsNoticed) {
  auto log = open(folder_.path());
  make(*log);
  auto writer = must(log->writer(WriterId("w")));
  EXPECT_EQ(commit(*writer, 0).outcome, Outcome::committed);
  const auto before = copy_without(0);
  for (int i = 1; i < 5; ++i) EXPECT_EQ(commit(*writer, i).outcome, Outcome::committed);
  const auto copy = copy_without(0);
  std::filesystem::remove_all(copy / "state");
  std::filesystem::copy(before / "state", copy / "state", std::filesystem::copy_options::recursive);
  const auto opened = try_open(copy);
  ASSERT_EQ(code_of(opened), ErrorCode::corrupt);
  EXPECT_NE(opened.error().text().find("lost commits"), std::string::npos);
  EXPECT_EQ(must(plan_repair(copy)).lost_commits.size(), 1u);
}

TEST_F(JournaledLog, ASegmentThatCannotBeSyncedLaterStopsTheLogUntilItIsOpenedAnew) {
  auto log = open(folder_.path());
  make(*log);
  auto writer = must(log->writer(WriterId("w")));
  EXPECT_EQ(commit(*writer, 0).outcome, Outcome::committed);
  writer.reset();
  faults_.armed = true;
  log.reset();  // settles the journal, in vain
  faults_.armed = false;
  EXPECT_TRUE(has_journal(folder_.path()));
  expect_records(*open(copy_without(0)), 1);
}

TEST(SyncJournal, ReadsBackWholeBlocksOfOneLap) {
  const TemporaryFolder folder;
  const SegmentSettings settings{
      .spare_folder = folder.path(), .segment_bytes = 1 << 20, .sync = true, .faults = nullptr};
  const auto path = folder.path() / kJournalName;
  const auto entry = [](int number, std::string_view bytes) {
    return JournalEntry{
        .topic_id = 3, .partition = number, .segment_base = 5, .at = 100, .bytes = as_bytes(bytes)};
  };
  const auto texts = [&] {
    const std::string file = must(read_file(path, 8 << 20));
    const JournalContents read = parse_journal(as_bytes(file));
    std::string out = std::to_string(read.newest_round);
    for (const auto& [at, entries] : read.entries)
      for (const JournalEntry& one : entries)
        out += fmt::format(" {}:{}", at.second, as_text(one.bytes));
    return out;
  };
  SyncJournal journal(settings, path);
  const JournalEntry first[] = {entry(0, "a"), entry(1, "bb")};
  const JournalEntry second[] = {entry(0, "c")};
  must(journal.append(first, 10));
  must(journal.append(second, 11));
  EXPECT_EQ(texts(), "11 0:a 0:c 1:bb");
  must(journal.take_back());
  EXPECT_EQ(texts(), "10 0:a 1:bb");
  must(journal.append(second, 11));
  must(journal.clear());
  EXPECT_EQ(texts(), "0");
  const JournalEntry third[] = {entry(0, "x"), entry(1, "yy")};  // as long as the first
  must(journal.append(third, 12));
  EXPECT_EQ(texts(), "12 0:x 1:yy");
  // Every byte of the block counts.
  std::string whole = must(read_file(path, 8 << 20));
  for (std::size_t i = 0; i < 99; ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(parse_journal(as_bytes(changed)).newest_round, 0u) << i;
  }
}

}  // namespace
}  // namespace penstock::topics
