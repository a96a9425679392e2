// Checkpoints: what restore() hands over, and who may go on from it.
#include "topics/conformance_fixture.h"

namespace penstock::topics {
namespace {

class CheckpointConformance : public LogConformance {
 protected:
  // The commit of a new task's checkpoint as restore() hands it over.
  static constexpr std::uint64_t kOpened = 1;
  Checkpoint open(Writer& writer, const TaskId& task = TaskId("Q_1/0")) {
    return must(writer.restore(task, [](ByteView, ByteView) {}));
  }
  static CommitResult advance(Writer& writer, const TaskId& task, const TopicPartition& from,
                              Position next) {
    auto commit = must(writer.begin());
    commit->advance(task, from, std::move(next));
    return commit->finish();
  }
};

INSTANTIATE_TEST_SUITE_P(Logs, CheckpointConformance,
                         ::testing::ValuesIn(builtin_implementations()),
                         [](const auto& info) { return info.param.name; });

TEST_P(CheckpointConformance, AreMadeByEveryOpeningAndCommit) {
  create("t");
  auto w = writer();
  const TaskId task("Q_1/0");
  Checkpoint first = open(*w);
  EXPECT_EQ(first.commit, kOpened);
  EXPECT_TRUE(first.positions.empty());
  EXPECT_NE(first.incarnation, Incarnation{});
  EXPECT_EQ(first.previous, Digest{});
  EXPECT_EQ(advance(*w, task, at("t", 0), LogPosition{3}).outcome, Outcome::committed);
  auto commit = must(w->begin());
  commit->state(task).put(as_bytes("k"), as_bytes("v"));
  must_finish(*commit);
  must_commit(*w, at("t", 0), {"names no task"});
  Checkpoint second = open(*w);
  EXPECT_EQ(second.commit, kOpened + 3);
  EXPECT_NE(second.incarnation, first.incarnation);
  EXPECT_NE(second.previous, Digest{});
  ASSERT_EQ(second.positions.size(), 1u);
  const auto position = std::get<LogPosition>(second.positions[0].position);
  EXPECT_EQ(position.next, 3);
  EXPECT_FALSE(position.topic_id.empty());
  commit.reset();
  w.reset();
  if (!GetParam().durable) return;
  restart();
  w = writer();
  Checkpoint third = open(*w);
  EXPECT_EQ(third.commit, kOpened + 4);
  EXPECT_EQ(third.positions, second.positions);
  EXPECT_NE(third.incarnation, second.incarnation);
}

TEST_P(CheckpointConformance, KeepAllKindsOfPositions) {
  create("t", 2);
  auto w = writer();
  const TaskId task("Q_1/0");
  open(*w);
  ByteBuffer bytes = to_buffer(as_bytes("binlog.17:4711"));
  EXPECT_EQ(advance(*w, task, at("t", 0), LogPosition{7, 5}).outcome, Outcome::committed);
  EXPECT_EQ(advance(*w, task, at("source", 0), SourcePosition{bytes}).outcome, Outcome::committed);
  EXPECT_EQ(advance(*w, task, at("time", 0), StreamTimePosition{-8}).outcome, Outcome::committed);
  const Checkpoint seen = open(*w);
  ASSERT_EQ(seen.positions.size(), 3u);
  const auto& log = std::get<LogPosition>(*seen.find(at("t", 0)));
  EXPECT_EQ(log.next, 7);
  EXPECT_EQ(log.row, 5);
  EXPECT_EQ(*seen.find(at("source", 0)), Position(SourcePosition{bytes}));
  EXPECT_EQ(*seen.find(at("time", 0)), Position(StreamTimePosition{-8}));
}

TEST_P(CheckpointConformance, AreMadeForOpenTasksOnly) {
  create("t");
  auto w = writer();
  const TaskId task("Q_1/0");
  CommitResult result = advance(*w, task, at("t", 0), LogPosition{1});
  EXPECT_EQ(result.outcome, Outcome::aborted);
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->code(), ErrorCode::failed_precondition);
  auto commit = must(w->begin());
  must(commit->append(at("t", 0), values({"lost"})));
  commit->state(task).put(as_bytes("k"), as_bytes("v"));
  EXPECT_EQ(commit->finish().outcome, Outcome::aborted);
  commit.reset();
  expect_empty(at("t", 0));
  EXPECT_EQ(open(*w).commit, kOpened);
}

TEST_P(CheckpointConformance, FenceWhoOpenedTheTaskBefore) {
  if (!GetParam().openings_fence) GTEST_SKIP() << "here the writer's id fences";
  create("t");
  auto older = writer("older");
  const TaskId task("Q_1/0");
  open(*older);
  EXPECT_EQ(advance(*older, task, at("t", 0), LogPosition{1}).outcome, Outcome::committed);
  auto newer = writer("newer");
  EXPECT_EQ(open(*newer).commit, 3u);
  auto commit = must(older->begin());
  must(commit->append(at("t", 0), values({"never"})));
  commit->advance(task, at("t", 0), LogPosition{9});
  EXPECT_EQ(commit->finish().outcome, Outcome::fenced);
  commit.reset();
  EXPECT_EQ(advance(*newer, task, at("t", 0), LogPosition{2}).outcome, Outcome::committed);
  expect_empty(at("t", 0));
  EXPECT_EQ(positions_of(*newer, task).at(0).next, 2);
}

TEST_P(CheckpointConformance, AreReplacedByAReset) {
  create("t");
  auto w = writer();
  const TaskId task("Q_1/0");
  open(*w);
  auto commit = must(w->begin());
  commit->advance(task, at("t", 0), LogPosition{5});
  commit->state(task).put(as_bytes("k"), as_bytes("v"));
  must_finish(*commit);
  commit.reset();
  must(w->reset(task, {{at("t", 0), LogPosition{2}}}));
  EXPECT_EQ(advance(*w, task, at("t", 0), LogPosition{6}).outcome, Outcome::aborted)
      << "restore() comes next";
  EXPECT_TRUE(state_of(*w, task).empty());
  const Checkpoint seen = open(*w);
  EXPECT_GT(seen.commit, kOpened + 1);
  EXPECT_EQ(std::get<LogPosition>(*seen.find(at("t", 0))).next, 2);
  must(w->forget(task));
  EXPECT_EQ(open(*w).commit, kOpened);
}

TEST_P(CheckpointConformance, RefuseATopicThatWasMadeAgain) {
  create("t");
  auto w = writer();
  const TaskId task("Q_1/0");
  open(*w);
  EXPECT_EQ(advance(*w, task, at("t", 0), LogPosition{5}).outcome, Outcome::committed);
  must(log_->remove(topic("t")));
  EXPECT_EQ(positions_of(*w, task).at(0).next, 5);
  create("t");
  EXPECT_EQ(advance(*w, task, at("t", 0), LogPosition{6}).outcome, Outcome::aborted);
  auto restored = w->restore(task, [](ByteView, ByteView) {});
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code(), ErrorCode::failed_precondition);
  EXPECT_NE(restored.error().text().find("topic_recreated"), std::string::npos);
  EXPECT_NE(restored.error().text().find("RESET POSITIONS"), std::string::npos);
  must(w->reset(task, {{at("t", 0), LogPosition{0}}}));
  EXPECT_EQ(positions_of(*w, task).at(0).next, 0);
  EXPECT_EQ(advance(*w, task, at("t", 0), LogPosition{1}).outcome, Outcome::committed);
}

}  // namespace
}  // namespace penstock::topics
