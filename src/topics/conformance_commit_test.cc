// Writers, commits and state.
#include <atomic>
#include <map>
#include <thread>

#include "topics/conformance_fixture.h"
#include "topics/limits.h"

namespace penstock::topics {
namespace {

class CommitConformance : public LogConformance {};

INSTANTIATE_TEST_SUITE_P(Logs, CommitConformance, ::testing::ValuesIn(builtin_implementations()),
                         [](const auto& info) { return info.param.name; });

TEST_P(CommitConformance, CommitsSeveralPartitionsAndTasksAtOnce) {
  create("a", 2);
  create("b");
  auto w = writer();
  TaskId one("Q_1/0"), two("Q_1/1");
  EXPECT_TRUE(positions_of(*w, one).empty());
  open_tasks(*w, {two});
  auto commit = must(w->begin());
  must(commit->append(at("a", 0), values({"a0"})));
  must(commit->append(at("a", 1), values({"a1"})));
  must(commit->append(at("b", 0), values({"b0"})));
  must(commit->append(at("a", 0), values({"a0 again"})));
  commit->advance(one, at("a", 0), LogPosition{17});
  commit->advance(two, at("a", 1), LogPosition{4});
  commit->state(one).put(as_bytes("k"), as_bytes("v1"));
  commit->state(two).put(as_bytes("k"), as_bytes("v2"));
  // Reading to Reader::end() would wait for what is on its way.
  EXPECT_EQ(end_of(*log_, at("a", 0)), 0) << "nothing shows before finish()";
  must_finish(*commit);
  EXPECT_EQ(read_all(*log_, at("a", 0)), (Strings{"a0", "a0 again"}));
  EXPECT_EQ(read_all(*log_, at("a", 1)), Strings{"a1"});
  EXPECT_EQ(read_all(*log_, at("b", 0)), Strings{"b0"});
  auto positions = positions_of(*w, one);
  ASSERT_EQ(positions.size(), 1u);
  EXPECT_EQ(positions[0].from, at("a", 0));
  EXPECT_EQ(positions[0].next, 17);
  EXPECT_EQ(state_of(*w, two), (std::vector<std::pair<std::string, std::string>>{{"k", "v2"}}));
}

TEST_P(CommitConformance, ShowsNothingOfAnAbortedCommit) {
  create("t");
  auto w = writer();
  TaskId task("Q_1/0");
  open_tasks(*w, {task});
  for (bool explicitly : {true, false}) {
    auto commit = must(w->begin());
    must(commit->append(at("t", 0), values({"lost"})));
    commit->advance(task, at("t", 0), LogPosition{3});
    commit->state(task).put(as_bytes("k"), as_bytes("v"));
    EXPECT_EQ(code_of(w->begin()), ErrorCode::failed_precondition);
    if (explicitly) commit->abort();
  }
  expect_empty(at("t", 0));
  EXPECT_TRUE(positions_of(*w, task).empty());
  EXPECT_TRUE(state_of(*w, task).empty());
  must_commit(*w, at("t", 0), {"kept"});
  EXPECT_EQ(read_all(*log_, at("t", 0)), Strings{"kept"});
}

TEST_P(CommitConformance, FencesTheOlderWriterOfAnId) {
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

TEST_P(CommitConformance, RestoresStateInTheOrderOfItsKeys) {
  auto w = writer();
  TaskId task("Q_1/0");
  open_tasks(*w, {task});
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

TEST_P(CommitConformance, RestoresMuchState) {
  auto w = writer();
  TaskId task("Q_1/0");
  open_tasks(*w, {task});
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

TEST_P(CommitConformance, ForgetsATaskAndNoOther) {
  create("t", 11);
  auto w = writer();
  TaskId gone("Q_1/1"), stays("Q_1/10");
  open_tasks(*w, {gone, stays});
  auto commit = must(w->begin());
  for (auto [task, partition] : {std::pair(gone, 1), std::pair(stays, 10)}) {
    commit->advance(task, at("t", partition), LogPosition{1});
    commit->state(task).put(as_bytes("k"), as_bytes("v"));
  }
  must_finish(*commit);
  must(w->forget(gone));
  EXPECT_TRUE(positions_of(*w, gone).empty());
  EXPECT_TRUE(state_of(*w, gone).empty());
  EXPECT_EQ(positions_of(*w, stays).size(), 1u);
  EXPECT_EQ(state_of(*w, stays).size(), 1u);
}

TEST_P(CommitConformance, TakesWhatItsLimitsSayAndNoMore) {
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
TEST_P(CommitConformance, HoldsRecordsToTheRulesOfTheirTopic) {
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

TEST_P(CommitConformance, AbortsCommitsWhoseStateIsTooLarge) {
  auto w = writer();
  TaskId task("Q_1/0");
  open_tasks(*w, {task});
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
  commit->advance(TaskId(""), at("t", 0), LogPosition{1});
  CommitResult result = commit->finish();
  EXPECT_EQ(result.outcome, Outcome::aborted);
  EXPECT_EQ(result.error->code(), ErrorCode::invalid_argument);
  commit.reset();
  commit = must(w->begin());
  commit->state(task).put(ByteBuffer(kStateKeyBytesMax, 'k'), as_bytes("v"));
  must_finish(*commit);
  EXPECT_EQ(state_of(*w, task).size(), 1u);
}

TEST_P(CommitConformance, KeepsWhatWasCommittedOverARestart) {
  if (!GetParam().durable) GTEST_SKIP() << "this log forgets by design";
  create("t", 2);
  must(log_->create({topic("c"), 1, true}));
  TaskId task("Q_1/1");
  Strings expected;
  for (int round = 0; round < 3; ++round) {
    auto w = writer();
    auto positions = positions_of(*w, task);
    ASSERT_EQ(positions.size(), round == 0 ? 0u : 1u);
    if (round > 0) {
      EXPECT_EQ(positions[0].next, round);
    }
    auto state = state_of(*w, task);
    ASSERT_EQ(state.size(), static_cast<std::size_t>(round));
    auto commit = must(w->begin());
    must(commit->append(at("t", 1), values({std::to_string(round)})));
    expected.push_back(std::to_string(round));
    commit->advance(task, at("t", 1), LogPosition{round + 1});
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

TEST_P(CommitConformance, FencesAcrossARestart) {
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
class CommitConformanceThreads : public CommitConformance {
 protected:
  static constexpr int kThreads = 4, kCommits = 40;

  void commit_pairs(int thread) {
    auto w = writer("w" + std::to_string(thread));
    TaskId task("Q" + std::to_string(thread) + "/0");
    open_tasks(*w, {task});
    for (int i = 0; i < kCommits; ++i) {
      std::string text = std::to_string(thread) + ":" + std::to_string(i);
      auto commit = must(w->begin());
      must(commit->append(at("t", 0), values({text + "a", text + "b"})));
      must(commit->append(at("t", 1), values({text})));
      commit->advance(task, at("t", 0), LogPosition{i + 1});
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

INSTANTIATE_TEST_SUITE_P(Logs, CommitConformanceThreads,
                         ::testing::ValuesIn(builtin_implementations()),
                         [](const auto& info) { return info.param.name; });

TEST_P(CommitConformanceThreads, CommitToOnePartition) {
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

TEST_P(CommitConformance, CommitsNothingAtAll) {
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

TEST_P(CommitConformance, CommitsInTheBackground) {
  create("t");
  auto w = writer();
  TaskId task("Q_1/0");
  open_tasks(*w, {task});
  Strings expected;
  for (int round = 0; round < 6; ++round) {
    auto commit = must(w->begin());
    must(commit->append(at("t", 0), values({std::to_string(round)})));
    commit->advance(task, at("t", 0), LogPosition{round + 1});
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
    auto positions = positions_of(*w, task);
    ASSERT_EQ(positions.size(), 1u);
    EXPECT_EQ(positions[0].next, round + 1);
    EXPECT_EQ(state_of(*w, task).at(0).second, std::to_string(round));
  }
}

TEST_P(CommitConformance, FencesCommitsInTheBackground) {
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
