// What goes by age, by size and by a trim, and what stays because somebody has yet to read it.
#include <gmock/gmock.h>

#include "topics/embedded_log.h"
#include "topics/limits.h"
#include "topics/test_log.h"
#include "topics/test_state_key.h"

namespace penstock::topics {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::size_t kSmallSegment = 100'000;

class RetentionTest : public ::testing::Test {
 protected:
  std::unique_ptr<EmbeddedLog> open(std::string service = "retention") {
    return must(EmbeddedLog::open({.folder = folder_.path(),
                                   .segment_bytes = kSmallSegment,
                                   .serve = false,
                                   .identity = test_identity(std::move(service)),
                                   .sweep_every = 0ms}));
  }
  // A segment's worth of records of this time.
  static void fill(EmbeddedLog& log, data::TimestampMs at_ms, const char* writer = "w") {
    auto w = must(log.writer(WriterId(writer)));
    auto commit = must(w->begin());
    RecordBatch batch;
    const std::string text(1000, 'x');
    for (int i = 0; i < 90; ++i)
      batch.append({.key = std::nullopt, .value = as_bytes(text), .timestamp_ms = at_ms});
    must(commit->append(at("t", 0), batch));
    must_finish(*commit);
  }
  static PartitionInfo range(EmbeddedLog& log) {
    return must(log.describe(topic("t"))).partitions[0];
  }
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() / "topics/t/0"))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
  static void read_up_to(EmbeddedLog& log, Offset next) {
    auto w = must(log.writer(WriterId("reader")));
    open_tasks(*w, {TaskId("Q.0/0")});
    auto commit = must(w->begin());
    commit->advance(TaskId("Q.0/0"), at("t", 0), LogPosition{.next = next});
    must_finish(*commit);
  }

  TemporaryFolder folder_;
};

TEST_F(RetentionTest, OldRecordsGoByAgeAndTheNewestSegmentStays) {
  auto log = open();
  must(log->create({topic("t"), 1, false, {.age = 10'000ms}}));
  for (data::TimestampMs at_ms : {1000, 2000, 30'000, 31'000}) fill(*log, at_ms);
  log->sweep(11'500);
  EXPECT_EQ(range(*log).first, 90);
  log->sweep(1'000'000);
  EXPECT_EQ(range(*log).first, 270);
  EXPECT_EQ(range(*log).end, 360);
  EXPECT_EQ(files(), 1u);
  EXPECT_EQ(read_all(*log, at("t", 0), 270).size(), 90u);
  EXPECT_EQ(code_of(log->reader(at("t", 0), 269)), ErrorCode::invalid_argument);
  log.reset();
  log = open();
  EXPECT_EQ(range(*log).first, 270);
  EXPECT_EQ(must(log->describe(topic("t"))).spec.retention, (Retention{.age = 10'000ms}));
  fill(*log, 32'000);
  EXPECT_EQ(read_all(*log, at("t", 0), 270).size(), 180u);
}

TEST_F(RetentionTest, OldRecordsGoBySize) {
  auto log = open();
  must(log->create({topic("t"), 1, false}));
  for (int i = 0; i < 20; ++i) fill(*log, 1000);
  log->sweep(1'000'000);
  EXPECT_EQ(range(*log).first, 0);
  EXPECT_GT(range(*log).bytes, 1'800'000u);
  must(log->set_retention(topic("t"), {.bytes = kRetentionBytesMin}));
  log->sweep(0);
  EXPECT_LE(range(*log).bytes, kRetentionBytesMin);
  EXPECT_GT(range(*log).bytes, kRetentionBytesMin - kSmallSegment);
  must(log->set_retention(topic("t"), {}));
  fill(*log, 1000);
  Offset first = range(*log).first;
  log->sweep(INT64_MAX / 2);
  EXPECT_EQ(range(*log).first, first);
}

TEST_F(RetentionTest, WhatATaskHasYetToReadStays) {
  auto log = open();
  must(log->create({topic("t"), 1, false, {.age = 1000ms}}));
  for (int i = 0; i < 4; ++i) fill(*log, 1000 + i);
  read_up_to(*log, 100);
  log.reset();
  log = open("another");  // whose tasks have read nothing of it, or everything
  read_up_to(*log, 300);
  log->sweep(1'000'000);
  EXPECT_EQ(range(*log).first, 90) << "the segment that holds offset 100 is kept";
  Result<> trimmed = log->trim(at("t", 0), 200, false);
  ASSERT_FALSE(trimmed);
  EXPECT_THAT(trimmed.error().text(), HasSubstr("task 'Q.0/0' has read up to 100 only"));
  must(log->trim(at("t", 0), 200, true));
  EXPECT_EQ(range(*log).first, 180);
  log.reset();
  log = open();
  read_up_to(*log, 360);
  log->sweep(1'000'000);
  EXPECT_EQ(range(*log).first, 270);
}

TEST_F(RetentionTest, AReaderThatWasOvertakenIsTold) {
  auto log = open();
  must(log->create({topic("t"), 1, false}));
  for (int i = 0; i < 5; ++i) fill(*log, 1000);
  auto reader = must(log->reader(at("t", 0), 0));
  ReadBuffer buffer;
  ASSERT_GT(must(reader->next(buffer, 1)), 0u);
  must(log->trim(at("t", 0), 400, false));
  for (int i = 0; i < 5; ++i) fill(*log, 2000);  // writes over the files that were let go
  Reader* waiting[] = {reader.get()};
  EXPECT_TRUE(must(log->wait(waiting, std::chrono::steady_clock::now() + 1min)));
  EXPECT_EQ(code_of(reader->next(buffer, 1)), ErrorCode::failed_precondition);
  EXPECT_EQ(read_all(*log, at("t", 0), 360).size(), 540u);
}

TEST_F(RetentionTest, WhereLittleStaysSegmentsAreShort) {
  auto log = open();
  must(log->create({topic("t"), 1, false, {.age = 4000ms}}));
  auto w = must(log->writer(WriterId("w")));
  auto append = [&](data::TimestampMs at_ms) {
    auto commit = must(w->begin());
    RecordBatch batch;
    batch.append({.key = std::nullopt, .value = as_bytes("small"), .timestamp_ms = at_ms});
    must(commit->append(at("t", 0), batch));
    must_finish(*commit);
  };
  append(1000);
  append(2000);
  w.reset();
  log.reset();
  log = open();
  w = must(log->writer(WriterId("w")));
  append(2001);  // the file says when it began
  append(9000);
  log->sweep(6001);
  EXPECT_EQ(range(*log).first, 2);
}

TEST_F(RetentionTest, AnyTimestampMayFollowAnyOther) {
  auto log = open();
  must(log->create({topic("t"), 1, false, {.age = 4000ms}}));
  auto w = must(log->writer(WriterId("w")));
  for (data::TimestampMs at_ms : {INT64_MIN, INT64_MAX, INT64_MIN, std::int64_t{0}}) {
    auto commit = must(w->begin());
    RecordBatch batch;
    batch.append({.key = std::nullopt, .value = as_bytes("x"), .timestamp_ms = at_ms});
    must(commit->append(at("t", 0), batch));
    must_finish(*commit);
  }
  log->sweep(1'000'000);
  EXPECT_EQ(range(*log).first, 1) << "the first segment is old, the second one newer than now";
  EXPECT_EQ(range(*log).end, 4);
}

TEST_F(RetentionTest, TopicsMadeLaterHaveIdsOfTheirOwn) {
  auto log = open();
  must(log->create({topic("t"), 1, false}));
  must(log->create({topic("u"), 1, false}));
  must(log->set_retention(topic("t"), {.age = 1000ms}));
  must(log->create({topic("v"), 1, false}));
  auto w = must(log->writer(WriterId("w")));
  must_commit(*w, at("u", 0), {"of u"});
  must_commit(*w, at("v", 0), {"of v"});
  EXPECT_EQ(read_all(*log, at("u", 0)), (std::vector<std::string>{"of u"}));
  EXPECT_EQ(code_of(log->set_retention(topic("t"), {.age = 1ms})), ErrorCode::invalid_argument);
}

TEST_F(RetentionTest, FilesThatACrashLeftGoWhenTheFolderIsOpened) {
  auto log = open();
  must(log->create({topic("t"), 1, false}));
  for (int i = 0; i < 3; ++i) fill(*log, 1000);
  const auto file = folder_.path() / "topics/t/0/00000000000000000000.seg";
  std::filesystem::copy_file(file, folder_.path() / "kept");
  must(log->trim(at("t", 0), 200, false));
  log.reset();
  std::filesystem::copy_file(folder_.path() / "kept", file);
  log = open();
  EXPECT_EQ(range(*log).first, 180);
  EXPECT_FALSE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace penstock::topics
