// What happens to the embedded log when its files are damaged, and what repair does about it.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "topics/batch_codec.h"
#include "topics/embedded_log.h"
#include "topics/limits.h"
#include "topics/repair.h"
#include "topics/segment_file.h"
#include "topics/test_log.h"
#include "topics/test_state_key.h"

namespace penstock::topics {
namespace {

using Strings = std::vector<std::string>;

class EmbeddedDamage : public ::testing::Test {
 protected:
  Result<std::unique_ptr<EmbeddedLog>> try_open(std::size_t segment_bytes = 64 << 20) {
    return EmbeddedLog::open({.folder = folder_.path(),
                              .segment_bytes = segment_bytes,
                              .serve = false,
                              .identity = test_identity()});
  }
  std::filesystem::path segment(Offset base) {
    return folder_.path() / "topics" / "t" / "0" / segment_file_name(base);
  }
  // Three batches with keys, headers and timestamps: offsets 0-2, 3-5, 6-8; a task at 9.
  void fill(std::size_t segment_bytes = 64 << 20) {
    auto log = must(try_open(segment_bytes));
    must(log->create({topic("t"), 1, false}));
    auto writer = must(log->writer(WriterId("w")));
    open_tasks(*writer, {TaskId("Q/0")});
    for (int i = 0; i < 3; ++i) {
      auto commit = must(writer->begin());
      RecordBatch batch;
      for (int k = 0; k < 3; ++k) {
        std::string key = "key" + std::to_string(k), value = "value" + std::to_string(3 * i + k);
        ByteBuffer headers = pack_headers({{"h", std::nullopt}});
        batch.append({as_bytes(key), as_bytes(value), 1000 + k, headers});
      }
      must(commit->append(at("t", 0), batch));
      commit->advance(TaskId("Q/0"), at("t", 0), LogPosition{3 * (i + 1)});
      must_finish(*commit);
    }
  }
  std::string bytes_of(Offset base) { return must(read_file(segment(base), 1 << 20)); }
  void write_bytes(Offset base, std::string_view bytes) {
    std::ofstream(segment(base), std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  void expect_refused(Offset offset) {
    auto opened = try_open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::corrupt) << opened.error().text();
    EXPECT_NE(opened.error().text().find("t/0"), std::string::npos);
    EXPECT_NE(opened.error().text().find("offset " + std::to_string(offset)), std::string::npos)
        << opened.error().text();
    EXPECT_NE(opened.error().text().find("penstock repair"), std::string::npos);
  }

  TemporaryFolder folder_;
};

TEST_F(EmbeddedDamage, CutsBytesBehindTheCommittedEnd) {
  fill();
  std::string whole = bytes_of(0);
  auto header = must(parse_batch_header(as_bytes(whole)));
  for (std::string tail : {std::string("garbage"), std::string(100'000, '\0'),
                           whole.substr(0, header.bytes()), whole.substr(0, 70)}) {
    write_bytes(0, whole + tail);
    write_bytes(9, whole);  // a segment that was begun
    write_bytes(400, "half");
    auto log = must(try_open());
    EXPECT_EQ(end_of(*log, at("t", 0)), 9);
    EXPECT_EQ(read_all(*log, at("t", 0)).size(), 9u);
    EXPECT_EQ(bytes_of(0).size(), whole.size());
    EXPECT_FALSE(std::filesystem::exists(segment(9)));
    EXPECT_FALSE(std::filesystem::exists(segment(400)));
  }
}

TEST_F(EmbeddedDamage, NoticesEveryFlippedBitAtStart) {
  fill();
  std::string whole = bytes_of(0);
  auto batch_bytes = must(parse_batch_header(as_bytes(whole))).bytes();
  for (std::size_t at_byte = 0; at_byte < whole.size(); at_byte += 1) {
    // Every byte of the second batch, a few of the others: opening a RocksDB each time takes a
    // while.
    bool second = at_byte >= batch_bytes && at_byte < 2 * batch_bytes;
    if (at_byte % (second ? 5 : 61) != 0) continue;
    std::string damaged = whole;
    damaged[at_byte] = static_cast<char>(damaged[at_byte] ^ (1 << (at_byte % 8)));
    write_bytes(0, damaged);
    auto opened = try_open();
    ASSERT_FALSE(opened) << at_byte;
    bool newer = opened.error().code() == ErrorCode::unsupported;  // the bytes for version and kind
    EXPECT_TRUE(newer ? at_byte % batch_bytes == 4 || at_byte % batch_bytes == 5
                      : opened.error().code() == ErrorCode::corrupt)
        << at_byte << ": " << opened.error().text();
  }
  write_bytes(0, whole);
  EXPECT_EQ(read_all(*must(try_open()), at("t", 0)).size(), 9u);
}

TEST_F(EmbeddedDamage, NoticesEveryFlippedBitWhileReading) {
  fill();
  auto log = must(try_open());
  std::string whole = bytes_of(0);
  auto batch_bytes = must(parse_batch_header(as_bytes(whole))).bytes();
  for (std::size_t at_byte = 0; at_byte < 3 * batch_bytes; ++at_byte) {
    std::string damaged = whole;
    damaged[at_byte] = static_cast<char>(damaged[at_byte] ^ (1 << (at_byte % 8)));
    UniqueFd fd(::open(segment(0).c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), damaged.data(), damaged.size(), 0),
              static_cast<ssize_t>(damaged.size()));
    for (std::size_t bytes_max : {1, 1 << 20}) {
      auto reader = must(log->reader(at("t", 0), 0));
      ReadBuffer buffer;
      Result<std::size_t> rows = 1;
      while (rows && *rows > 0) rows = reader->next(buffer, bytes_max);
      ASSERT_FALSE(rows) << at_byte;
      EXPECT_TRUE(rows.error().code() == ErrorCode::corrupt ||
                  rows.error().code() == ErrorCode::unsupported);
      EXPECT_EQ(buffer.size(), 0u);
      auto trusting = must(log->reader(at("t", 0), 0, ReadCheck::authenticated));
      rows = 1;
      while (rows && *rows > 0) rows = trusting->next(buffer, bytes_max);  // must stay in bounds
    }
  }
}

TEST_F(EmbeddedDamage, RefusesAMissingOrShortenedSegment) {
  fill(200);  // a batch per segment
  std::string second = bytes_of(3), last = bytes_of(6);
  std::filesystem::remove(segment(3));
  expect_refused(3);
  write_bytes(3, second);
  write_bytes(6, std::string_view(last).substr(0, last.size() - 1));
  expect_refused(6);
  write_bytes(6, second);  // a sound batch from elsewhere
  expect_refused(6);
  write_bytes(6, last);
  EXPECT_EQ(read_all(*must(try_open(200)), at("t", 0)).size(), 9u);
}

TEST_F(EmbeddedDamage, RefusesAFolderWithoutItsState) {
  fill();
  std::filesystem::remove_all(folder_.path() / "state");
  EXPECT_EQ(code_of(try_open()), ErrorCode::corrupt);
  EXPECT_EQ(code_of(plan_repair(folder_.path())), ErrorCode::corrupt);
}

TEST_F(EmbeddedDamage, FindsDamageInEarlierSegmentsWhenTheyAreRead) {
  fill(200);
  std::string first = bytes_of(0);
  first[100] = static_cast<char>(first[100] ^ 1);
  write_bytes(0, first);
  auto log = must(try_open(200));
  auto reader = must(log->reader(at("t", 0), 1));
  ReadBuffer buffer;
  auto rows = reader->next(buffer, 1 << 20);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code(), ErrorCode::corrupt);
  EXPECT_NE(rows.error().text().find("t/0, offset 1"), std::string::npos) << rows.error().text();
  EXPECT_EQ(read_all(*log, at("t", 0), 3).size(), 6u) << "the rest can be read";
}

TEST_F(EmbeddedDamage, RepairSaysWhatIsLostAndKeepsTheBytes) {
  fill(200);
  std::string second = bytes_of(3);
  second[second.size() - 1] = static_cast<char>(second.back() ^ 1);
  write_bytes(3, second);
  for (auto repair : {plan_repair, plan_repair, apply_repair}) {
    auto report = must(repair(folder_.path()));
    ASSERT_EQ(report.damages.size(), 1u);
    const PartitionDamage& damage = report.damages[0];
    EXPECT_EQ(damage.partition, at("t", 0));
    EXPECT_EQ(damage.valid_end, 3);
    EXPECT_EQ(damage.records_lost(), 6);
    ASSERT_EQ(damage.positions.size(), 1u);
    EXPECT_EQ(damage.positions[0].task, TaskId("Q/0"));
    EXPECT_EQ(damage.positions[0].next, 9);
    EXPECT_EQ(report.kept.size(), repair == apply_repair ? 3u : 0u);
    for (const auto& kept : report.kept) EXPECT_TRUE(std::filesystem::exists(kept));
  }
  EXPECT_TRUE(must(plan_repair(folder_.path())).damages.empty());
  auto log = must(try_open(200));
  EXPECT_EQ(read_all(*log, at("t", 0)), (Strings{"value0", "value1", "value2"}));
  auto writer = must(log->writer(WriterId("w")));
  EXPECT_EQ(positions_of(*writer, TaskId("Q/0"))[0].next, 3);
  must_commit(*writer, at("t", 0), {"new"});
  EXPECT_EQ(read_all(*log, at("t", 0), 3), Strings{"new"});
  EXPECT_EQ(code_of(plan_repair(folder_.path())), ErrorCode::busy);
}

TEST_F(EmbeddedDamage, RepairsAPartitionThatLostEverything) {
  fill();
  std::filesystem::remove(segment(0));
  expect_refused(0);
  EXPECT_EQ(must(apply_repair(folder_.path())).damages[0].records_lost(), 9);
  auto log = must(try_open());
  EXPECT_TRUE(read_all(*log, at("t", 0)).empty());
  auto writer = must(log->writer(WriterId("w")));
  must_commit(*writer, at("t", 0), {"new"});
  writer.reset();
  log.reset();
  EXPECT_EQ(read_all(*must(try_open()), at("t", 0)), Strings{"new"});
}

// The bytes of a removed topic are sound batches; a namesake must not take them for its own.
TEST_F(EmbeddedDamage, TellsRecycledBytesFromItsOwn) {
  constexpr std::size_t kSegment = 100'000;
  auto open = [&] {
    return must(EmbeddedLog::open({.folder = folder_.path(),
                                   .segment_bytes = kSegment,
                                   .serve = false,
                                   .identity = test_identity()}));
  };
  auto log = open();
  must(log->create({topic("t"), 1, false}));
  Offset end = 0;
  for (int round = 0; round < 3; ++round) {
    auto writer = must(log->writer(WriterId("w")));
    Strings texts(1000, "round " + std::to_string(round) + std::string(100, 'x'));
    must_commit(*writer, at("t", 0), texts);
    EXPECT_EQ(read_all(*log, at("t", 0), end), texts);
    writer.reset();
    log.reset();
    log = open();
    EXPECT_EQ(read_all(*log, at("t", 0), end), texts);
    end += 1000;
    must(log->trim(at("t", 0), end, true));  // all but the last segment
  }
  EXPECT_FALSE(std::filesystem::is_empty(folder_.path() / "spare"));
  must(log->remove(topic("t")));  // whoever removes a topic wants its bytes gone
}

}  // namespace
}  // namespace penstock::topics
