// Topics, readers and waits.
#include <algorithm>
#include <atomic>
#include <thread>

#include <gmock/gmock.h>

#include "topics/conformance_fixture.h"
#include "topics/limits.h"

namespace penstock::topics {
namespace {

INSTANTIATE_TEST_SUITE_P(Logs, LogConformance, ::testing::ValuesIn(builtin_implementations()),
                         [](const auto& info) { return info.param.name; });

TEST_P(LogConformance, KeepsTheOrderOfEachPartition) {
  create("t", 2);
  auto w = writer();
  Strings expected[2];
  for (int i = 0; i < 50; ++i) {
    Strings batch = {std::to_string(i) + "a", std::to_string(i) + "b"};
    must_commit(*w, at("t", i % 2), batch);
    expected[i % 2].insert(expected[i % 2].end(), batch.begin(), batch.end());
  }
  EXPECT_EQ(read_all(*log_, at("t", 0)), expected[0]);
  EXPECT_EQ(read_all(*log_, at("t", 1)), expected[1]);
  EXPECT_EQ(read_all(*log_, at("t", 0), 0, 1), expected[0]) << "one record at a time";
}

TEST_P(LogConformance, LetsGoWhatIsTrimmedUnlessATaskHasYetToReadIt) {
  if (GetParam().name == "delayed") GTEST_SKIP() << "its records have other offsets";
  create("t", 2);
  auto w = writer();
  must_commit(*w, at("t", 1), {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
  open_tasks(*w, {TaskId("Q.0/1")});
  auto commit = must(w->begin());
  commit->advance(TaskId("Q.0/1"), at("t", 1), LogPosition{.next = 4});
  must_finish(*commit);
  if (GetParam().name != "socket") {  // whose clients' positions are no reading
    EXPECT_EQ(code_of(log_->trim(at("t", 1), 5, false)), ErrorCode::failed_precondition);
  }
  must(log_->trim(at("t", 1), 5, true));
  const PartitionInfo range = must(log_->describe(topic("t"))).partitions[1];
  EXPECT_LE(range.first, 5) << "logs keep whole pieces";
  EXPECT_GE(range.end, 10);
  EXPECT_EQ(read_all(*log_, at("t", 1), 5), (Strings{"5", "6", "7", "8", "9"}));
  EXPECT_EQ(code_of(log_->trim(at("t", 1), range.end + 1, true)), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(log_->trim(at("t", 2), 0, true)), ErrorCode::not_found);
}

TEST_P(LogConformance, KeepsTheRetentionThatIsSet) {
  create("t");
  const Retention week{.age = std::chrono::hours(24 * 7), .bytes = 1 << 30};
  must(log_->set_retention(topic("t"), week));
  EXPECT_EQ(must(log_->describe(topic("t"))).spec.retention, week);
  must(log_->set_retention(topic("t"), {}));
  EXPECT_EQ(must(log_->describe(topic("t"))).spec.retention, Retention{});
  EXPECT_EQ(code_of(log_->set_retention(topic("none"), week)), ErrorCode::not_found);
}

// What a record may have is for whoever takes it to judge: logs bring all of it.
TEST_P(LogConformance, BringsRecordsWithMoreHeadersThanAQueryTakes) {
  create("t");
  std::vector<Header> many(kHeadersMax + 44, Header{"n", to_buffer(as_bytes("v"))});
  ByteBuffer packed = pack_headers(many);
  auto w = writer();
  for (ByteView headers : {ByteView(), ByteView(packed), ByteView()}) {
    RecordBatch batch;
    batch.append({.key = std::nullopt, .value = as_bytes("x"), .headers = headers});
    batch.append({.key = std::nullopt, .value = as_bytes("y"), .timestamp_ms = 1});
    auto commit = must(w->begin());
    data::TimestampMs earliest_ms = must(log_->describe(topic("t"))).rules.timestamp_ms_min;
    RecordBatch taken;
    for (std::size_t row = 0; row < batch.size(); ++row) {
      RecordView record = batch[row];
      record.timestamp_ms = std::max(record.timestamp_ms, earliest_ms);
      taken.append(record);
    }
    must(commit->append(at("t", 0), taken));
    must_finish(*commit);
  }
  auto reader = must(log_->reader(at("t", 0), 0));
  ReadBuffer buffer;
  std::vector<std::size_t> counts;
  while (read(*reader, buffer, 1 << 20) > 0)
    for (std::size_t i = 0; i < buffer.size(); ++i)
      counts.push_back(must(unpack_headers(buffer[i].headers)).size());
  EXPECT_EQ(counts, (std::vector<std::size_t>{0, 0, many.size(), 0, 0, 0}));
}

TEST_P(LogConformance, GivesBackWhatWasAppended) {
  create("t");
  ByteBuffer headers =
      pack_headers({{"origin", to_buffer(as_bytes("x"))}, {"empty", std::nullopt}});
  std::vector<RecordView> records = {
      {.key = std::nullopt, .value = std::nullopt, .timestamp_ms = 5},
      {.key = as_bytes(""), .value = as_bytes(""), .timestamp_ms = -7},
      {.key = as_bytes("key"), .value = std::nullopt, .timestamp_ms = 1'700'000'000'000},
      {.key = std::nullopt, .value = as_bytes("value"), .timestamp_ms = 0, .headers = headers},
      {.key = as_bytes("k2"), .value = as_bytes("v2"), .timestamp_ms = INT64_MAX},
      {.key = as_bytes("k3"), .value = as_bytes("v3"), .timestamp_ms = INT64_MIN},
  };
  data::TimestampMs earliest_ms = must(log_->describe(topic("t"))).rules.timestamp_ms_min;
  RecordBatch batch;
  for (RecordView& record : records) {
    record.timestamp_ms = std::max(record.timestamp_ms, earliest_ms);
    batch.append(record);
  }
  auto w = writer();
  auto commit = must(w->begin());
  must(commit->append(at("t", 0), batch));
  must_finish(*commit);
  for (std::size_t bytes_max : {std::size_t{1}, std::size_t{8}, std::size_t{1} << 20}) {
    auto reader = must(log_->reader(at("t", 0), 0));
    ReadBuffer buffer;
    std::size_t row = 0;
    Offset last = -1;
    while (read(*reader, buffer, bytes_max) > 0) {
      for (std::size_t i = 0; i < buffer.size(); ++i, ++row) {
        ASSERT_LT(row, records.size());
        RecordView seen = buffer[i];
        const RecordView& put = records[row];
        EXPECT_GT(buffer.offsets[i], std::exchange(last, buffer.offsets[i]));
        if (dense()) {
          EXPECT_EQ(buffer.offsets[i], static_cast<Offset>(row));
        }
        EXPECT_EQ(seen.timestamp_ms, put.timestamp_ms);
        ASSERT_EQ(seen.key.has_value(), put.key.has_value()) << row;
        ASSERT_EQ(seen.value.has_value(), put.value.has_value()) << row;
        if (put.key) {
          EXPECT_EQ(as_text(*seen.key), as_text(*put.key));
        }
        if (put.value) {
          EXPECT_EQ(as_text(*seen.value), as_text(*put.value));
        }
        EXPECT_EQ(as_text(seen.headers), as_text(put.headers));
      }
    }
    EXPECT_EQ(row, records.size());
  }
}

TEST_P(LogConformance, LetsReadersLookPastEachValue) {
  create("t");
  auto w = writer();
  must_commit(*w, at("t", 0), {"a", "", std::string(5000, 'x')});
  for (std::size_t bytes_max : {1, 100'000}) {
    auto reader = must(log_->reader(at("t", 0), 0));
    ReadBuffer buffer;
    while (read(*reader, buffer, bytes_max) > 0) {
      for (const Slice& value : buffer.values) {
        const std::uint8_t* past = value.data + value.size + kReadPadding;
        EXPECT_LE(past, buffer.storage.data() + buffer.storage.size());
      }
    }
  }
}

TEST_P(LogConformance, BringsAsManyRecordsAsFit) {
  create("t");
  auto w = writer();
  must_commit(*w, at("t", 0), Strings(100, std::string(100, 'v')));
  auto reader = must(log_->reader(at("t", 0), 0));
  ReadBuffer buffer;
  std::size_t total = 0;
  while (std::size_t rows = read(*reader, buffer, 1000)) {
    EXPECT_LE(rows, 10u);
    EXPECT_EQ(buffer.size(), rows);
    total += rows;
    EXPECT_GT(reader->position(), buffer.offsets.back());
    if (dense()) {
      EXPECT_EQ(reader->position(), static_cast<Offset>(total));
    }
  }
  EXPECT_EQ(total, 100u);
  EXPECT_EQ(must(reader->next(buffer, 1000)), 0u);
  EXPECT_EQ(buffer.size(), 0u);
  EXPECT_EQ(reader->position(), must(reader->end()));
}

TEST_P(LogConformance, KeepsSeveralBuffersAlive) {
  create("t");
  auto w = writer();
  must_commit(*w, at("t", 0), {"one", "two"});
  auto reader = must(log_->reader(at("t", 0), 0));
  ReadBuffer first, second;
  EXPECT_EQ(read(*reader, first, 1), 1u);
  EXPECT_EQ(read(*reader, second, 1), 1u);
  EXPECT_EQ(as_text(first.values[0].bytes()), "one");
  EXPECT_EQ(as_text(second.values[0].bytes()), "two");
}

TEST_P(LogConformance, ReadsFromAnyOffsetAndFollowsTheEnd) {
  create("t");
  auto w = writer();
  Strings all;
  for (int i = 0; i < 40; ++i) {
    Strings batch;
    for (int k = 0; k <= i % 7; ++k) batch.push_back(std::to_string(all.size() + batch.size()));
    all.insert(all.end(), batch.begin(), batch.end());
    must_commit(*w, at("t", 0), batch);
  }
  Offset end = end_of(*log_, at("t", 0));
  std::vector<Offset> offsets = offsets_of(*log_, at("t", 0));
  ASSERT_EQ(offsets.size(), all.size());
  if (dense()) {
    EXPECT_EQ(end, static_cast<Offset>(all.size()));
  }
  for (std::size_t row = 0; row < all.size(); row += 3) {
    auto first = all.begin() + static_cast<std::ptrdiff_t>(row);
    EXPECT_EQ(read_all(*log_, at("t", 0), offsets[row]), Strings(first, all.end())) << row;
    EXPECT_EQ(read_all(*log_, at("t", 0), offsets[row] + 1), Strings(first + 1, all.end())) << row;
  }
  EXPECT_EQ(read_all(*log_, at("t", 0), end), Strings());
  auto reader = must(log_->reader(at("t", 0), end));
  ReadBuffer buffer;
  EXPECT_EQ(read(*reader, buffer, 1 << 20), 0u);
  must_commit(*w, at("t", 0), {"new"});
  EXPECT_EQ(read(*reader, buffer, 1 << 20), 1u);
  EXPECT_GE(buffer.offsets.at(0), end);
  if (dense()) {
    EXPECT_EQ(buffer.offsets.at(0), end);
    EXPECT_EQ(must(reader->end()), end + 1);
  }
  EXPECT_EQ(code_of(log_->reader(at("t", 0), must(reader->end()) + 1)),
            ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(log_->reader(at("t", 0), -1)), ErrorCode::invalid_argument);
}

TEST_P(LogConformance, CarriesLongAppendsWhole) {
  create("t");
  auto w = writer();
  Strings texts;
  for (int i = 0; i < 10'000; ++i) texts.push_back(std::to_string(i) + std::string(i % 300, 'x'));
  must_commit(*w, at("t", 0), texts);
  EXPECT_EQ(read_all(*log_, at("t", 0)), texts);
  EXPECT_EQ(read_all(*log_, at("t", 0), 0, 5'000), texts);
  EXPECT_EQ(read_all(*log_, at("t", 0), offset_of(at("t", 0), 9'990)),
            Strings(texts.begin() + 9'990, texts.end()));
}

TEST_P(LogConformance, ChecksWhatItIsAskedToMake) {
  EXPECT_EQ(code_of(log_->create({topic("t"), 0, false})), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(log_->create({topic("t"), kPartitionsMax + 1, false})),
            ErrorCode::limit_exceeded);
  create("t", 3);
  EXPECT_EQ(code_of(log_->create({topic("t"), 1, false})), ErrorCode::already_exists);
  create("a.b-c_D");
  must(log_->create({topic("compacted"), 1, true}));
  EXPECT_EQ(must(log_->list()),
            (std::vector<TopicName>{topic("a.b-c_D"), topic("compacted"), topic("t")}));
  EXPECT_TRUE(must(log_->describe(topic("compacted"))).spec.compacted);
  EXPECT_EQ(must(log_->describe(topic("t"))).partitions.size(), 3u);
  EXPECT_EQ(code_of(log_->describe(topic("none"))), ErrorCode::not_found);
  EXPECT_EQ(code_of(log_->remove(topic("none"))), ErrorCode::not_found);
  EXPECT_EQ(code_of(log_->reader(at("none", 0), 0)), ErrorCode::not_found);
  EXPECT_EQ(code_of(log_->reader(at("t", 3), 0)), ErrorCode::not_found);
  EXPECT_EQ(code_of(log_->writer(WriterId("with space"))), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(log_->writer(WriterId(std::string(kWriterIdBytesMax + 1, 'w')))),
            ErrorCode::invalid_argument);
  auto w = writer(std::string(kWriterIdBytesMax, 'w'));
  auto commit = must(w->begin());
  EXPECT_EQ(code_of(commit->append(at("none", 0), values({"x"}))), ErrorCode::not_found);
  EXPECT_EQ(code_of(commit->append(at("t", 3), values({"x"}))), ErrorCode::not_found);
  EXPECT_EQ(code_of(commit->append(at("t", -1), values({"x"}))), ErrorCode::not_found);
  must(commit->append(at("t", 2), values({"x"})));
  must_finish(*commit);
  EXPECT_EQ(read_all(*log_, at("t", 2)), Strings{"x"});
}

TEST_P(LogConformance, RemovesATopicForReadersAndCommits) {
  create("t");
  create("other");
  auto w = writer();
  TaskId task("Q_1/0");
  open_tasks(*w, {task});
  auto commit = must(w->begin());
  must(commit->append(at("t", 0), values({"old"})));
  commit->advance(task, at("t", 0), LogPosition{1});
  commit->advance(task, at("other", 0), LogPosition{2});
  must_finish(*commit);
  auto reader = must(log_->reader(at("t", 0), 0));
  auto pending = must(w->begin());
  must(pending->append(at("t", 0), values({"late"})));
  must(log_->remove(topic("t")));
  ReadBuffer buffer;
  EXPECT_EQ(code_of(reader->next(buffer, 100)), ErrorCode::not_found);
  EXPECT_EQ(code_of(reader->end()), ErrorCode::not_found);
  CommitResult result = pending->finish();
  EXPECT_EQ(result.outcome, Outcome::aborted);
  EXPECT_EQ(result.error->code(), ErrorCode::not_found);
  EXPECT_EQ(positions_of(*w, task).size(), 2u) << "positions are the task's own";
  create("t", 2);
  const auto again = w->restore(task, [](ByteView, ByteView) {});
  EXPECT_EQ(code_of(again), ErrorCode::failed_precondition);
  EXPECT_THAT(again.error().text(), testing::HasSubstr("RESET POSITIONS"));
  EXPECT_EQ(code_of(reader->next(buffer, 100)), ErrorCode::not_found)
      << "a namesake is another topic";
  expect_empty(at("t", 0));
  must_commit(*w, at("t", 0), {"new"});
  EXPECT_EQ(read_all(*log_, at("t", 0)), Strings{"new"});
}

TEST_P(LogConformance, WaitsForRecords) {
  create("t", 2);
  auto w = writer();
  auto r0 = must(log_->reader(at("t", 0), 0));
  auto r1 = must(log_->reader(at("t", 1), 0));
  std::vector<Reader*> readers = {r0.get(), r1.get()};
  EXPECT_FALSE(must(log_->wait(readers, in_ms(1))));
  EXPECT_FALSE(must(log_->wait(readers, in_ms(-1))));
  std::thread later([&] { must_commit(*w, at("t", 1), {"x"}); });
  EXPECT_TRUE(must(log_->wait(readers, in_ms(60'000))));
  later.join();
  EXPECT_TRUE(must(log_->wait(readers, in_ms(0)))) << "at hand at once";
  ReadBuffer buffer;
  EXPECT_EQ(read(*r1, buffer, 100), 1u);
  EXPECT_EQ(read(*r1, buffer, 100), 0u);  // what may follow the record and holds none has passed
  EXPECT_FALSE(must(log_->wait(readers, in_ms(1))));
}

TEST_P(LogConformance, EndsAWaitWhenWoken) {
  create("t");
  auto reader = must(log_->reader(at("t", 0), 0));
  std::vector<Reader*> readers = {reader.get()};
  std::atomic<bool> over = false;
  std::thread waiting([&] {
    EXPECT_FALSE(must(log_->wait(readers, in_ms(60'000))));
    over = true;
  });
  while (!over) {
    log_->wake();
    std::this_thread::yield();
  }
  waiting.join();
  must(log_->wait({}, in_ms(1)));
}

}  // namespace
}  // namespace penstock::topics
