// The embedded log when the disk is full or fails: commits are aborted, and work goes on
// afterwards.
#include <cerrno>

#include "topics/embedded_log.h"
#include "topics/test_log.h"
#include "topics/test_state_key.h"

namespace penstock::topics {
namespace {

using Strings = std::vector<std::string>;

class Faults final : public FaultPort {
 public:
  int before(DiskStep step, std::size_t) override {
    if (after_state_)
      return step == DiskStep::state_after || step == DiskStep::state_open ? EIO : 0;
    if (step != step_ || skip_-- > 0) return 0;
    return error_;
  }
  // The batch is written, and nobody learns that it is.
  void fail_after_state() { after_state_ = true; }
  void fail_at(DiskStep step, int error, int skip = 0) {
    step_ = step;
    error_ = error;
    skip_ = skip;
  }
  void stop() {
    error_ = 0;
    after_state_ = false;
  }

 private:
  DiskStep step_ = DiskStep::allocate;
  int error_ = 0;
  bool after_state_ = false;
  int skip_ = 0;
};

class EmbeddedFaults : public ::testing::TestWithParam<std::pair<DiskStep, ErrorCode>> {
 protected:
  std::unique_ptr<EmbeddedLog> open(std::size_t segment_bytes) {
    return must(EmbeddedLog::open({.folder = folder_.path(),
                                   .durability = Durability::disk,
                                   .segment_bytes = segment_bytes,
                                   .serve = false,
                                   .faults = &faults_,
                                   .identity = test_identity()}));
  }
  Faults faults_;
  TemporaryFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Steps, EmbeddedFaults,
                         ::testing::Values(std::pair(DiskStep::allocate, ErrorCode::out_of_space),
                                           std::pair(DiskStep::write, ErrorCode::out_of_space),
                                           std::pair(DiskStep::sync, ErrorCode::out_of_space),
                                           std::pair(DiskStep::state, ErrorCode::out_of_space)));

TEST_P(EmbeddedFaults, AbortTheCommitAndNothingElse) {
  for (std::size_t segment_bytes : {std::size_t{400}, std::size_t{64} << 20}) {
    for (int skip : {0, 1}) {
      std::string name = "t" + std::to_string(segment_bytes) + "-" + std::to_string(skip);
      auto log = open(segment_bytes);
      must(log->create({topic(name), 2, false}));
      auto writer = must(log->writer(WriterId("w")));
      open_tasks(*writer, {TaskId("Q/0")});
      if (skip == 1) must_commit(*writer, at(name, 0), {"before"});
      for (int i = 0; i < 3; ++i) {
        // Space that was reserved once stays so, and a commit writes its state once.
        DiskStep step = GetParam().first;
        bool once = step == DiskStep::state || (step == DiskStep::allocate && i > 0);
        faults_.fail_at(step, ENOSPC, once ? 0 : skip);
        auto commit = must(writer->begin());
        must(commit->append(at(name, 0), values(Strings(20, std::string(300'000, 'x')))));
        must(commit->append(at(name, 1), values({"lost"})));
        commit->advance(TaskId("Q/0"), at(name, 0), LogPosition{5});
        CommitResult result = commit->finish();
        EXPECT_EQ(result.outcome, Outcome::aborted) << segment_bytes << " " << skip;
        ASSERT_TRUE(result.error);
        EXPECT_EQ(result.error->code(), GetParam().second) << result.error->text();
        commit.reset();
        faults_.stop();
        EXPECT_TRUE(positions_of(*writer, TaskId("Q/0")).empty());
        must_commit(*writer, at(name, 0), {"kept " + std::to_string(i)});
      }
      Strings expected = {"kept 0", "kept 1", "kept 2"};
      if (skip == 1) expected.insert(expected.begin(), "before");
      EXPECT_EQ(read_all(*log, at(name, 0)), expected);
      writer.reset();
      log.reset();
      log = open(segment_bytes);
      EXPECT_EQ(read_all(*log, at(name, 0)), expected);
      EXPECT_TRUE(read_all(*log, at(name, 1)).empty());
      must(log->remove(topic(name)));
    }
  }
}

int open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<int>(std::distance(begin(all), end(all)));
}

// Aborted commits that had rolled on to further segments leave no files open.
TEST_P(EmbeddedFaults, KeepNoDescriptorsOfAbortedCommits) {
  auto log = open(400);
  must(log->create({topic("t"), 1, false}));
  auto writer = must(log->writer(WriterId("w")));
  must_commit(*writer, at("t", 0), {"before"});
  int seen = 0;
  for (int i = 0; i < 30; ++i) {
    faults_.fail_at(GetParam().first, ENOSPC, GetParam().first == DiskStep::state ? 0 : 1);
    EXPECT_EQ(commit_values(*writer, at("t", 0), Strings(4, std::string(300'000, 'x'))).outcome,
              Outcome::aborted);
    faults_.stop();
    if (i == 4) seen = open_descriptors();
  }
  EXPECT_EQ(open_descriptors(), seen);
  must_commit(*writer, at("t", 0), {"after"});
  EXPECT_EQ(read_all(*log, at("t", 0)), (Strings{"before", "after"}));
}

TEST_F(EmbeddedFaults, ATopicWhoseCreationFailedCanBeCreatedLater) {
  auto log = open(400);
  faults_.fail_at(DiskStep::state, ENOSPC, 1);
  EXPECT_EQ(code_of(log->create({topic("t"), 2, false})), ErrorCode::out_of_space);
  faults_.stop();
  must(log->create({topic("t"), 2, false}));
  log.reset();
  log = open(400);
  EXPECT_EQ(must(log->describe(topic("t"))).spec.partitions, 2);
}

TEST_F(EmbeddedFaults, FindOutWhetherAFailedStateWriteWasMade) {
  auto log = open(64 << 20);
  must(log->create({topic("t"), 1, false}));
  auto writer = must(log->writer(WriterId("w")));
  faults_.fail_at(DiskStep::state_after, EIO);
  EXPECT_EQ(commit_values(*writer, at("t", 0), {"was written"}).outcome, Outcome::committed);
  faults_.fail_at(DiskStep::state, EIO);
  EXPECT_EQ(commit_values(*writer, at("t", 0), {"was not"}).outcome, Outcome::aborted);
  faults_.stop();
  must_commit(*writer, at("t", 0), {"later"});
  EXPECT_EQ(read_all(*log, at("t", 0)), (Strings{"was written", "later"}));
}

// What a commit of unknown outcome wrote may be committed: it must survive a clean shutdown and
// whatever else the process does.
TEST_F(EmbeddedFaults, TouchNothingAfterAnUnknownOutcome) {
  for (std::size_t segment_bytes : {std::size_t{400}, std::size_t{64} << 20}) {
    std::string name = "t" + std::to_string(segment_bytes);
    auto log = open(segment_bytes);
    must(log->create({topic(name), 1, false}));
    auto writer = must(log->writer(WriterId("w")));
    auto other = must(log->writer(WriterId("other")));
    auto reader = must(log->reader(at(name, 0), 0));
    must_commit(*writer, at(name, 0), {"before"});
    faults_.fail_after_state();
    const std::string large(500, 'x');
    EXPECT_EQ(commit_values(*writer, at(name, 0), {"was written", large}).outcome,
              Outcome::unknown);
    faults_.stop();
    EXPECT_EQ(code_of(other->begin()), ErrorCode::failed_precondition);
    EXPECT_EQ(code_of(writer->begin()), ErrorCode::failed_precondition);
    EXPECT_EQ(code_of(writer->restore(TaskId("Q/0"), [](ByteView, ByteView) {})),
              ErrorCode::failed_precondition);
    EXPECT_EQ(code_of(writer->forget(TaskId("Q/0"))), ErrorCode::failed_precondition);
    EXPECT_EQ(code_of(log->create({topic("more"), 1, false})), ErrorCode::failed_precondition);
    EXPECT_EQ(code_of(log->remove(topic(name))), ErrorCode::failed_precondition);
    EXPECT_EQ(code_of(log->describe(topic(name))), ErrorCode::failed_precondition);
    EXPECT_EQ(code_of(log->list()), ErrorCode::failed_precondition);
    EXPECT_EQ(code_of(log->writer(WriterId("third"))), ErrorCode::failed_precondition);
    EXPECT_EQ(code_of(log->reader(at(name, 0), 0)), ErrorCode::failed_precondition);
    std::vector<Reader*> readers = {reader.get()};
    auto waited = log->wait(readers, in_ms(1));
    ASSERT_FALSE(waited);
    EXPECT_NE(waited.error().text().find("opened anew"), std::string::npos);
    reader.reset();
    writer.reset();
    other.reset();
    log.reset();
    log = open(segment_bytes);
    EXPECT_EQ(read_all(*log, at(name, 0)), (Strings{"before", "was written", large}));
    writer = must(log->writer(WriterId("w")));
    must_commit(*writer, at(name, 0), {"later"});
  }
}

}  // namespace
}  // namespace penstock::topics
