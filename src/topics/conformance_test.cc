#include "topics/conformance.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <utility>

#include "topics/limits.h"
#include "topics/memory_log.h"
#include "topics/test_log.h"

namespace penstock::topics {
namespace {

class LogConformance : public ::testing::TestWithParam<LogImplementation> {
 protected:
  LogConformance() : place_(GetParam().make_place()), log_(place_->open()) {}

  void restart() {
    log_.reset();
    log_ = place_->open();
  }
  std::unique_ptr<Writer> writer(std::string id = "writer") {
    return must(log_->writer(WriterId(std::move(id))));
  }
  void create(std::string_view name, std::int32_t partitions = 1) {
    must(log_->create({topic(name), partitions, false}));
  }
  bool dense() const { return GetParam().dense_offsets; }
  std::size_t read(Reader& reader, ReadBuffer& buffer, std::size_t bytes_max) {
    return next_of(*log_, reader, buffer, bytes_max);
  }
  // Of the record with this number.
  Offset offset_of(const TopicPartition& at, std::size_t row) {
    return dense() ? static_cast<Offset>(row) : offsets_of(*log_, at).at(row);
  }
  // Nothing was ever committed to it.
  void expect_empty(const TopicPartition& at) {
    EXPECT_EQ(read_all(*log_, at), std::vector<std::string>());
    if (dense()) {
      EXPECT_EQ(end_of(*log_, at), 0);
    }
  }
  std::vector<std::pair<std::string, std::string>> state_of(Writer& writer, const TaskId& task) {
    std::vector<std::pair<std::string, std::string>> pairs;
    must(writer.restore(task, [&](ByteView key, ByteView value) {
      pairs.emplace_back(as_text(key), as_text(value));
    }));
    return pairs;
  }

  std::unique_ptr<LogPlace> place_;
  std::unique_ptr<Log> log_;
};

INSTANTIATE_TEST_SUITE_P(Logs, LogConformance, ::testing::ValuesIn(builtin_implementations()),
                         [](const auto& info) { return info.param.name; });

using Strings = std::vector<std::string>;

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

TEST_P(LogConformance, CommitsSeveralPartitionsAndTasksAtOnce) {
  create("a", 2);
  create("b");
  auto w = writer();
  TaskId one("Q_1/0"), two("Q_1/1");
  auto commit = must(w->begin());
  must(commit->append(at("a", 0), values({"a0"})));
  must(commit->append(at("a", 1), values({"a1"})));
  must(commit->append(at("b", 0), values({"b0"})));
  must(commit->append(at("a", 0), values({"a0 again"})));
  commit->advance(one, at("a", 0), 17);
  commit->advance(two, at("a", 1), 4);
  commit->state(one).put(as_bytes("k"), as_bytes("v1"));
  commit->state(two).put(as_bytes("k"), as_bytes("v2"));
  expect_empty(at("a", 0));  // nothing shows before finish()
  EXPECT_TRUE(must(w->positions(one)).empty());
  must_finish(*commit);
  EXPECT_EQ(read_all(*log_, at("a", 0)), (Strings{"a0", "a0 again"}));
  EXPECT_EQ(read_all(*log_, at("a", 1)), Strings{"a1"});
  EXPECT_EQ(read_all(*log_, at("b", 0)), Strings{"b0"});
  auto positions = must(w->positions(one));
  ASSERT_EQ(positions.size(), 1u);
  EXPECT_EQ(positions[0].from, at("a", 0));
  EXPECT_EQ(positions[0].next, 17);
  EXPECT_EQ(state_of(*w, two), (std::vector<std::pair<std::string, std::string>>{{"k", "v2"}}));
}

TEST_P(LogConformance, ShowsNothingOfAnAbortedCommit) {
  create("t");
  auto w = writer();
  TaskId task("Q_1/0");
  for (bool explicitly : {true, false}) {
    auto commit = must(w->begin());
    must(commit->append(at("t", 0), values({"lost"})));
    commit->advance(task, at("t", 0), 3);
    commit->state(task).put(as_bytes("k"), as_bytes("v"));
    EXPECT_EQ(code_of(w->begin()), ErrorCode::failed_precondition);
    if (explicitly) commit->abort();
  }
  expect_empty(at("t", 0));
  EXPECT_TRUE(must(w->positions(task)).empty());
  EXPECT_TRUE(state_of(*w, task).empty());
  must_commit(*w, at("t", 0), {"kept"});
  EXPECT_EQ(read_all(*log_, at("t", 0)), Strings{"kept"});
}

TEST_P(LogConformance, FencesTheOlderWriterOfAnId) {
  create("t");
  auto older = writer("id");
  must_commit(*older, at("t", 0), {"1"});
  auto pending = must(older->begin());
  must(pending->append(at("t", 0), values({"never"})));
  auto newer = writer("id");
  CommitResult result = pending->finish();
  EXPECT_EQ(result.outcome, Outcome::fenced);
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->code(), ErrorCode::fenced);
  EXPECT_EQ(code_of(older->forget(TaskId("Q_1/0"))), ErrorCode::fenced);
  must_commit(*newer, at("t", 0), {"2"});
  auto other = writer("another");
  must_commit(*newer, at("t", 0), {"3"});
  EXPECT_EQ(read_all(*log_, at("t", 0)), (Strings{"1", "2", "3"}));
}

TEST_P(LogConformance, RestoresStateInTheOrderOfItsKeys) {
  auto w = writer();
  TaskId task("Q_1/0");
  auto put = [&](const Strings& keys, const Strings& erased) {
    auto commit = must(w->begin());
    for (const auto& key : keys) commit->state(task).put(as_bytes(key), as_bytes("v" + key));
    for (const auto& key : erased) commit->state(task).erase(as_bytes(key));
    must_finish(*commit);
  };
  put({"b", "a", "\xff", std::string("\0", 1), "", "c"}, {});
  put({"b2"}, {"c", "absent"});
  std::vector<std::pair<std::string, std::string>> expected;
  for (std::string key : {std::string(""), std::string("\0", 1), std::string("a"), std::string("b"),
                          std::string("b2"), std::string("\xff")})
    expected.emplace_back(key, "v" + key);
  EXPECT_EQ(state_of(*w, task), expected);
  EXPECT_TRUE(state_of(*w, TaskId("Q_1/00")).empty());
  EXPECT_TRUE(state_of(*w, TaskId("Q_1")).empty());
  auto commit = must(w->begin());
  commit->state(task).put(as_bytes("x"), as_bytes("1"));
  commit->state(task).erase(as_bytes("x"));
  commit->state(task).put(as_bytes("y"), as_bytes(""));
  must_finish(*commit);
  expected.insert(expected.end() - 1, {"y", ""});
  EXPECT_EQ(state_of(*w, task), expected) << "the last call for a key counts; empty is a value";
}

TEST_P(LogConformance, RestoresMuchState) {
  auto w = writer();
  TaskId task("Q_1/0");
  auto commit = must(w->begin());
  std::string value(3000, 'v');
  for (int i = 0; i < 1500; ++i)
    commit->state(task).put(as_bytes(std::to_string(100'000 + i)), as_bytes(value));
  commit->state(task).put(as_bytes("big"), ByteBuffer(kStateValueBytesMax, 'b'));
  must_finish(*commit);
  auto state = state_of(*w, task);
  ASSERT_EQ(state.size(), 1501u);
  EXPECT_EQ(state[1499].first, "101499");
  EXPECT_EQ(state[1499].second, value);
  EXPECT_EQ(state[1500].second.size(), kStateValueBytesMax);
}

TEST_P(LogConformance, ForgetsATaskAndNoOther) {
  create("t", 11);
  auto w = writer();
  TaskId gone("Q_1/1"), stays("Q_1/10");
  auto commit = must(w->begin());
  for (auto [task, partition] : {std::pair(gone, 1), std::pair(stays, 10)}) {
    commit->advance(task, at("t", partition), 1);
    commit->state(task).put(as_bytes("k"), as_bytes("v"));
  }
  must_finish(*commit);
  must(w->forget(gone));
  EXPECT_TRUE(must(w->positions(gone)).empty());
  EXPECT_TRUE(state_of(*w, gone).empty());
  EXPECT_EQ(must(w->positions(stays)).size(), 1u);
  EXPECT_EQ(state_of(*w, stays).size(), 1u);
}

TEST_P(LogConformance, TakesWhatItsLimitsSayAndNoMore) {
  create("t");
  std::size_t record_max = must(log_->describe(topic("t"))).rules.record_bytes_max;
  EXPECT_LE(record_max, kRecordBytesMax);
  auto w = writer();
  auto commit = must(w->begin());
  std::string largest(record_max, 'x');
  EXPECT_EQ(code_of(commit->append(at("t", 0), values({"small", largest + "x"}))),
            ErrorCode::limit_exceeded);
  must(commit->append(at("t", 0), values({"small"})));
  std::size_t gathered = 5, rows = 1;
  for (; gathered + record_max <= kCommitBytesMax; gathered += record_max, ++rows)
    must(commit->append(at("t", 0), values({largest})));
  EXPECT_EQ(code_of(commit->append(at("t", 0), values({largest}))), ErrorCode::limit_exceeded);
  must(commit->append(at("t", 0), values({std::string(kCommitBytesMax - gathered, 'y')})));
  ++rows;
  EXPECT_EQ(code_of(commit->append(at("t", 0), values({"z"}))), ErrorCode::limit_exceeded);
  must_finish(*commit);
  std::vector<Offset> offsets = offsets_of(*log_, at("t", 0));
  EXPECT_EQ(offsets.size(), rows);
  if (dense()) {
    EXPECT_EQ(end_of(*log_, at("t", 0)), static_cast<Offset>(rows));
  }
  auto reader = must(log_->reader(at("t", 0), offsets.at(1)));
  ReadBuffer buffer;
  EXPECT_EQ(read(*reader, buffer, 10), 1u) << "at least one, however small bytes_max is";
  EXPECT_EQ(buffer.values.at(0).size, record_max);
}

// What makes records looks at the rules first; append() holds everybody to them.
TEST_P(LogConformance, HoldsRecordsToTheRulesOfTheirTopic) {
  create("t");
  TopicRules rules = must(log_->describe(topic("t"))).rules;
  auto w = writer();
  auto commit = must(w->begin());
  must(commit->append(at("t", 0), values({"first"})));
  std::string key(10, 'k'), value(rules.record_bytes_max - 10, 'v');
  auto append = [&](data::TimestampMs timestamp_ms, std::string_view more) {
    RecordBatch batch;
    batch.append({.key = as_bytes(key), .value = as_bytes("fits"), .timestamp_ms = 1000});
    std::string cell = value + std::string(more);
    batch.append({.key = as_bytes(key), .value = as_bytes(cell), .timestamp_ms = timestamp_ms});
    return commit->append(at("t", 0), batch);
  };
  EXPECT_EQ(code_of(append(1000, "v")), ErrorCode::limit_exceeded);
  if (rules.timestamp_ms_min > INT64_MIN) {
    EXPECT_EQ(code_of(append(rules.timestamp_ms_min - 1, "")), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of(append(INT64_MIN, "")), ErrorCode::invalid_argument);
  }
  must(append(rules.timestamp_ms_min, ""));
  must_finish(*commit);
  EXPECT_EQ(read_all(*log_, at("t", 0)), (Strings{"first", "fits", value}));
}

TEST_P(LogConformance, AbortsCommitsWhoseStateIsTooLarge) {
  auto w = writer();
  TaskId task("Q_1/0");
  for (bool key : {true, false}) {
    auto commit = must(w->begin());
    commit->state(task).put(ByteBuffer(key ? kStateKeyBytesMax + 1 : 1),
                            ByteBuffer(key ? 1 : kStateValueBytesMax + 1));
    CommitResult result = commit->finish();
    EXPECT_EQ(result.outcome, Outcome::aborted);
    ASSERT_TRUE(result.error);
    EXPECT_EQ(result.error->code(), ErrorCode::limit_exceeded);
  }
  auto commit = must(w->begin());
  commit->advance(TaskId(""), at("t", 0), 1);
  CommitResult result = commit->finish();
  EXPECT_EQ(result.outcome, Outcome::aborted);
  EXPECT_EQ(result.error->code(), ErrorCode::invalid_argument);
  commit.reset();
  commit = must(w->begin());
  commit->state(task).put(ByteBuffer(kStateKeyBytesMax, 'k'), as_bytes("v"));
  must_finish(*commit);
  EXPECT_EQ(state_of(*w, task).size(), 1u);
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

TEST_P(LogConformance, RemovesATopicForReadersCommitsAndPositions) {
  create("t");
  create("other");
  auto w = writer();
  TaskId task("Q_1/0");
  auto commit = must(w->begin());
  must(commit->append(at("t", 0), values({"old"})));
  commit->advance(task, at("t", 0), 1);
  commit->advance(task, at("other", 0), 2);
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
  auto positions = must(w->positions(task));
  ASSERT_EQ(positions.size(), 1u);
  EXPECT_EQ(positions[0].from, at("other", 0));
  create("t", 2);
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

TEST_P(LogConformance, KeepsWhatWasCommittedOverARestart) {
  if (!GetParam().durable) GTEST_SKIP() << "this log forgets by design";
  create("t", 2);
  must(log_->create({topic("c"), 1, true}));
  TaskId task("Q_1/1");
  Strings expected;
  for (int round = 0; round < 3; ++round) {
    auto w = writer();
    auto positions = must(w->positions(task));
    ASSERT_EQ(positions.size(), round == 0 ? 0u : 1u);
    if (round > 0) {
      EXPECT_EQ(positions[0].next, round);
    }
    auto state = state_of(*w, task);
    ASSERT_EQ(state.size(), static_cast<std::size_t>(round));
    auto commit = must(w->begin());
    must(commit->append(at("t", 1), values({std::to_string(round)})));
    expected.push_back(std::to_string(round));
    commit->advance(task, at("t", 1), round + 1);
    commit->state(task).put(as_bytes("k" + std::to_string(round)), as_bytes("v"));
    must_finish(*commit);
    commit = must(w->begin());
    must(commit->append(at("t", 1), values({"never finished"})));
    commit.reset();
    w.reset();
    restart();
    EXPECT_EQ(read_all(*log_, at("t", 1)), expected);
    EXPECT_TRUE(must(log_->describe(topic("c"))).spec.compacted);
  }
}

TEST_P(LogConformance, FencesAcrossARestart) {
  if (!GetParam().durable) GTEST_SKIP() << "this log forgets by design";
  create("t");
  for (int i = 0; i < 3; ++i) {
    {
      auto first = writer("id");
    }
    auto w = writer("id");
    must_commit(*w, at("t", 0), {std::to_string(i)});
    w.reset();
    restart();
  }
  EXPECT_EQ(read_all(*log_, at("t", 0)), (Strings{"0", "1", "2"}));
}

// Each thread commits pairs of records, and one to another partition.
class LogConformanceThreads : public LogConformance {
 protected:
  static constexpr int kThreads = 4, kCommits = 40;

  void commit_pairs(int thread) {
    auto w = writer("w" + std::to_string(thread));
    TaskId task("Q" + std::to_string(thread) + "/0");
    for (int i = 0; i < kCommits; ++i) {
      std::string text = std::to_string(thread) + ":" + std::to_string(i);
      auto commit = must(w->begin());
      must(commit->append(at("t", 0), values({text + "a", text + "b"})));
      must(commit->append(at("t", 1), values({text})));
      commit->advance(task, at("t", 0), i + 1);
      if (i % 10 == 9)
        commit->abort();
      else
        must_finish(*commit);
    }
  }
  // Reads along until the writing is over.
  void follow(const std::atomic<bool>& writing) {
    auto reader = must(log_->reader(at("t", 0), 0));
    std::vector<Reader*> readers = {reader.get()};
    ReadBuffer buffer;
    Offset last = -1;
    while (writing || must(reader->end()) > reader->position()) {
      must(log_->wait(readers, in_ms(1)));
      must(reader->next(buffer, 100));
      for (Offset offset : buffer.offsets) {
        EXPECT_GT(offset, last);
        if (dense()) {
          EXPECT_EQ(offset, last + 1);
        }
        last = offset;
      }
    }
  }
  // Each thread's commits, whole and in the order in which it made them.
  static void expect_whole_commits(const Strings& pairs, const Strings& singles) {
    std::map<char, Strings> pairs_of, singles_of;
    for (const std::string& text : pairs) pairs_of[text[0]].push_back(text);
    for (const std::string& text : singles) singles_of[text[0]].push_back(text);
    EXPECT_EQ(singles_of.size(), std::size_t{kThreads});
    for (const auto& [thread, texts] : singles_of) {
      Strings expected_pairs, expected_singles;
      for (int i = 0; i < kCommits; ++i) {
        if (i % 10 == 9) continue;
        std::string text = std::string(1, thread) + ":" + std::to_string(i);
        expected_pairs.insert(expected_pairs.end(), {text + "a", text + "b"});
        expected_singles.push_back(text);
      }
      EXPECT_EQ(texts, expected_singles);
      EXPECT_EQ(pairs_of[thread], expected_pairs);
    }
  }
  static void expect_one_order(const Strings& pairs, const Strings& singles) {
    ASSERT_EQ(pairs.size(), 2 * singles.size());
    for (std::size_t i = 0; i < singles.size(); ++i) {
      EXPECT_EQ(pairs[2 * i], singles[i] + "a") << "one order of commits for all partitions";
      EXPECT_EQ(pairs[2 * i + 1], singles[i] + "b");
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Logs, LogConformanceThreads,
                         ::testing::ValuesIn(builtin_implementations()),
                         [](const auto& info) { return info.param.name; });

TEST_P(LogConformanceThreads, CommitToOnePartition) {
  create("t", 2);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back([this, t] { commit_pairs(t); });
  std::atomic<bool> writing = true;
  std::thread reading([&] { follow(writing); });
  for (auto& thread : threads) thread.join();
  writing = false;
  reading.join();
  Strings pairs = read_all(*log_, at("t", 0)), singles = read_all(*log_, at("t", 1));
  ASSERT_EQ(singles.size(), kThreads * kCommits * 9 / 10u);
  expect_whole_commits(pairs, singles);
  if (GetParam().serial_commits) expect_one_order(pairs, singles);
}

TEST_P(LogConformance, CommitsNothingAtAll) {
  auto w = writer();
  auto commit = must(w->begin());
  must_finish(*commit);
  create("t");
  commit.reset();
  commit = must(w->begin());
  must(commit->append(at("t", 0), {}));
  must_finish(*commit);
  expect_empty(at("t", 0));
}

TEST_P(LogConformance, CommitsInTheBackground) {
  create("t");
  auto w = writer();
  TaskId task("Q_1/0");
  Strings expected;
  for (int round = 0; round < 6; ++round) {
    auto commit = must(w->begin());
    must(commit->append(at("t", 0), values({std::to_string(round)})));
    commit->advance(task, at("t", 0), round + 1);
    commit->state(task).put(as_bytes("k"), as_bytes(std::to_string(round)));
    commit->start();
    EXPECT_EQ(code_of(w->begin()), ErrorCode::failed_precondition) << "until it is finished";
    for (Deadline late = in_ms(60'000); round % 2 == 0 && !commit->settled();) {
      ASSERT_LT(std::chrono::steady_clock::now(), late);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    must_finish(*commit);  // waits when it must
    expected.push_back(std::to_string(round));
    EXPECT_EQ(read_all(*log_, at("t", 0)), expected);
    auto positions = must(w->positions(task));
    ASSERT_EQ(positions.size(), 1u);
    EXPECT_EQ(positions[0].next, round + 1);
    EXPECT_EQ(state_of(*w, task).at(0).second, std::to_string(round));
  }
}

TEST_P(LogConformance, FencesCommitsInTheBackground) {
  create("t");
  auto older = writer("id");
  auto pending = must(older->begin());
  must(pending->append(at("t", 0), values({"never"})));
  auto newer = writer("id");
  pending->start();
  EXPECT_EQ(pending->finish().outcome, Outcome::fenced);
  must_commit(*newer, at("t", 0), {"1"});
  EXPECT_EQ(read_all(*log_, at("t", 0)), Strings{"1"});
}

}  // namespace
}  // namespace penstock::topics
