// What happens when the state database's own log is damaged, cut or gone: RocksDB takes some of it
// for a shorter log and says nothing.
#include <cstdlib>
#include <fstream>

#include "base/file.h"
#include "topics/embedded_log.h"
#include "topics/repair.h"
#include "topics/test_log.h"
#include "topics/test_state_key.h"

namespace penstock::topics {
namespace {

constexpr int kCommits = 50;

class StateDamage : public ::testing::Test {
 protected:
  Result<std::unique_ptr<EmbeddedLog>> try_open(const std::filesystem::path& folder) {
    return EmbeddedLog::open({.folder = folder, .serve = false, .identity = test_identity()});
  }
  void SetUp() override {
    auto log = must(try_open(whole()));
    must(log->create({topic("t"), 1, false}));
    auto writer = must(log->writer(WriterId("w")));
    for (int i = 0; i < kCommits; ++i) must_commit(*writer, at("t", 0), {std::to_string(i)});
    writer.reset();
    log.reset();
    for (const auto& entry : std::filesystem::directory_iterator(whole() / "state"))
      if (entry.path().extension() == ".log" && entry.file_size() > 0)
        name_ = entry.path().filename();
    bytes_ = must(read_file(whole() / "state" / name_, 1 << 24));
    ASSERT_GT(bytes_.size(), std::size_t{kCommits});
  }
  std::filesystem::path whole() const { return folder_.path() / "whole"; }

  // With these bytes as the database's log; absent: without it.
  void expect_refused_or_nearly_whole(const std::optional<std::string>& bytes,
                                      const std::string& what) {
    const auto copy = folder_.path() / "copy";
    std::filesystem::remove_all(copy);
    std::filesystem::copy(whole(), copy, std::filesystem::copy_options::recursive);
    std::filesystem::remove(copy / "state" / name_);
    if (bytes)
      std::ofstream(copy / "state" / name_, std::ios::binary)
          .write(bytes->data(), static_cast<std::streamsize>(bytes->size()));
    auto log = try_open(copy);
    if (!log) {
      EXPECT_EQ(log.error().code(), ErrorCode::corrupt) << what << ": " << log.error().text();
      ++refused_;
      return;
    }
    ASSERT_TRUE((*log)->describe(topic("t"))) << what;
    EXPECT_GE(end_of(**log, at("t", 0)), kCommits - 1) << what;
  }

  TemporaryFolder folder_;
  std::string bytes_;
  std::filesystem::path name_;  // of the database's log
  int refused_ = 0;
};

TEST_F(StateDamage, IsRefusedOrLosesTheOpenRoundOnly) {
  const bool all = std::getenv("PENSTOCK_LONG") != nullptr;
  const std::size_t step = all ? 1 : 211;
  for (std::size_t i = 0; i < bytes_.size(); i += step) {
    for (int mask : {1 << (i % 8), 0xff}) {
      std::string damaged = bytes_;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      expect_refused_or_nearly_whole(damaged, "byte " + std::to_string(i));
    }
  }
  EXPECT_GT(refused_, 0);
}

TEST_F(StateDamage, OfItsRecordsHeadersAndEndIsNoticed) {
  // Headers of RocksDB's records: u32 checksum, u16 length, u8 type, from byte 0 on.
  int record = 0;
  for (std::size_t at = 0; at + 7 <= bytes_.size(); ++record) {
    const auto length = static_cast<std::size_t>(static_cast<std::uint8_t>(bytes_[at + 4]) |
                                                 static_cast<std::uint8_t>(bytes_[at + 5]) << 8);
    if (std::getenv("PENSTOCK_LONG") != nullptr || record % 7 == 0) {
      const std::string what = "record " + std::to_string(record);
      expect_refused_or_nearly_whole(bytes_.substr(0, at), what + " and the rest cut off");
      std::string zeroed = bytes_;
      zeroed.replace(at, 7, 7, '\0');
      expect_refused_or_nearly_whole(zeroed, what + " with a header of zeros");
      std::string longer = bytes_;
      longer[at + 5] = static_cast<char>(longer[at + 5] ^ 0x40);
      expect_refused_or_nearly_whole(longer, what + " with another length");
    }
    at += 7 + length;
  }
  EXPECT_GE(record, kCommits);
  expect_refused_or_nearly_whole(std::nullopt, "no log");
  EXPECT_GT(refused_, 0);
}

TEST_F(StateDamage, IsFoundByRepairWhichCutsWhatTheDatabaseDoesNotKnow) {
  std::ofstream(whole() / "state" / name_, std::ios::binary | std::ios::trunc)
      .write(bytes_.data(), static_cast<std::streamsize>(bytes_.size() / 2));
  auto opened = try_open(whole());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text().find("partition t/0"), std::string::npos);
  EXPECT_NE(opened.error().text().find("penstock repair"), std::string::npos);
  for (auto repair : {plan_repair, apply_repair}) {
    auto report = must(repair(whole()));
    ASSERT_EQ(report.lost_commits.size(), 1u);
    EXPECT_GT(report.lost_commits[0].newest_round, report.lost_commits[0].known_round + 1);
    EXPECT_EQ(report.kept.size(), repair == apply_repair ? 1u : 0u);
  }
  EXPECT_TRUE(must(plan_repair(whole())).whole());
  auto log = must(try_open(whole()));
  const Offset end = end_of(*log, at("t", 0));
  EXPECT_LT(end, kCommits);
  auto writer = must(log->writer(WriterId("w")));
  must_commit(*writer, at("t", 0), {"new"});
  EXPECT_EQ(read_all(*log, at("t", 0), end), std::vector<std::string>{"new"});
}

}  // namespace
}  // namespace penstock::topics
