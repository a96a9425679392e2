// Kills a process at every named step of the embedded log and checks what the next one finds.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/crash_point.h"
#include "base/test_child.h"
#include "topics/crash_points.h"
#include "topics/embedded_log.h"
#include "topics/segment_file.h"
#include "topics/test_log.h"
#include "topics/test_state_key.h"

namespace penstock::topics {
namespace {

using Strings = std::vector<std::string>;

constexpr const char* kFolderVariable = "PENSTOCK_CRASH_FOLDER";
constexpr std::size_t kSegmentBytes = 600;

EmbeddedOptions options(const std::filesystem::path& folder) {
  return {.folder = folder,
          .durability = Durability::disk,
          .segment_bytes = kSegmentBytes,
          .serve = false,
          .identity = test_identity()};
}

// Each commit writes its number to three partitions, some in the journal first, and moves a task to
// it: after a crash all say the same, and it is what was acknowledged or one more.
void commit_number(Writer& writer, int number) {
  auto commit = must(writer.begin());
  std::string text = std::to_string(number);
  must(commit->append(at("a", 0), values({text})));
  must(commit->append(at("a", 1), values({text, text + std::string(200, 'x')})));
  must(commit->append(at("a", 2), values({text})));
  commit->advance(TaskId("Q/0"), at("a", 0), LogPosition{number});
  commit->state(TaskId("Q/0")).put(as_bytes("n"), as_bytes(text));
  must_finish(*commit);
}

// One key in segments of its own, so that all but the newest go when the topic is compacted.
void write_and_compact(EmbeddedLog& log, Writer& writer) {
  auto names = must(log.list());
  if (std::find(names.begin(), names.end(), topic("keyed")) == names.end())
    must(log.create({topic("keyed"), 1, true}));
  const std::string value(kSegmentBytes, 'v');
  for (int i = 0; i < 3; ++i) {
    auto commit = must(writer.begin());
    RecordBatch batch;
    batch.append({.key = as_bytes("k"), .value = as_bytes(value), .timestamp_ms = i});
    must(commit->append(at("keyed", 0), batch));
    must_finish(*commit);
  }
  log.sweep(0);
  EXPECT_LE(read_all(log, at("keyed", 0)).size(), 2u);
}

// The process that dies. Runs all kinds of steps; each acknowledged commit is noted in a file.
TEST(EmbeddedCrashChild, DISABLED_WorksUntilItDies) {
  const char* variable = std::getenv(kFolderVariable);
  if (!variable) GTEST_SKIP() << "only started by EmbeddedCrash";
  std::filesystem::path folder = variable;
  auto log = must(EmbeddedLog::open(options(folder / "data")));
  auto names = must(log->list());
  if (std::find(names.begin(), names.end(), topic("a")) == names.end())
    must(log->create({topic("a"), 3, false}));
  if (std::find(names.begin(), names.end(), topic("gone")) != names.end())
    must(log->remove(topic("gone")));
  must(log->create({topic("gone"), 1, false}));
  auto writer = must(log->writer(WriterId("w")));
  open_tasks(*writer, {TaskId("Q/0")});
  for (int i = 0; i < 2; ++i)
    must_commit(*writer, at("gone", 0), {"x", std::string(500, 'y'), "z"});
  must(log->trim(at("gone", 0), 3, true));
  EXPECT_EQ(must(log->describe(topic("gone"))).partitions[0].first, 3);
  write_and_compact(*log, *writer);
  int number = static_cast<int>(end_of(*log, at("a", 0)));
  for (int i = 0; i < 6; ++i) {
    commit_number(*writer, ++number);
    std::ofstream(folder / "acknowledged") << number;
  }
  must(log->remove(topic("gone")));
  ::_exit(0);
}

int run_child(const std::filesystem::path& folder, std::string_view point, int nth) {
  Strings environment = {std::string(kFolderVariable) + "=" + folder.string()};
  if (!point.empty())
    environment.push_back("PENSTOCK_CRASH_AT=" + std::string(point) + ":" + std::to_string(nth));
  return run_hidden_test("EmbeddedCrashChild.*", std::move(environment));
}

void check_folder(const std::filesystem::path& folder, const std::string& context) {
  auto opened = EmbeddedLog::open(options(folder / "data"));
  ASSERT_TRUE(opened) << context << ": " << opened.error().text();
  auto& log = **opened;
  int acknowledged = 0;
  std::ifstream(folder / "acknowledged") >> acknowledged;
  auto names = must(log.list());
  if (std::find(names.begin(), names.end(), topic("a")) == names.end()) {
    EXPECT_EQ(acknowledged, 0) << context;
    return;
  }
  if (std::find(names.begin(), names.end(), topic("keyed")) != names.end() &&
      end_of(log, at("keyed", 0)) > 0) {
    const Strings newest = read_all(log, at("keyed", 0));
    ASSERT_FALSE(newest.empty()) << context;
    EXPECT_EQ(newest.back(), std::string(kSegmentBytes, 'v')) << context;
  }
  auto count = static_cast<int>(end_of(log, at("a", 0)));
  EXPECT_GE(count, acknowledged) << context;
  EXPECT_LE(count, acknowledged + 1) << context;
  Strings expected[2];
  for (int i = 1; i <= count; ++i) {
    expected[0].push_back(std::to_string(i));
    expected[1].insert(expected[1].end(),
                       {std::to_string(i), std::to_string(i) + std::string(200, 'x')});
  }
  EXPECT_EQ(read_all(log, at("a", 0)), expected[0]) << context;
  EXPECT_EQ(read_all(log, at("a", 1)), expected[1]) << context;
  EXPECT_EQ(read_all(log, at("a", 2)), expected[0]) << context;
  auto writer = must(log.writer(WriterId("checker")));
  auto positions = positions_of(*writer, TaskId("Q/0"));
  Offset position = positions.empty() ? 0 : positions[0].next;
  EXPECT_EQ(position, count) << context;
  std::string state = "0";
  must(writer->restore(TaskId("Q/0"), [&](ByteView, ByteView value) { state = as_text(value); }));
  EXPECT_EQ(state, std::to_string(count)) << context;
}

// Leaves what recovery has to clean: bytes behind the end, a segment behind the last one.
void leave_tails(const std::filesystem::path& folder) {
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder / "data" / "topics")) {
    if (!entry.is_regular_file()) continue;
    std::ofstream(entry.path(), std::ios::app) << "torn";
  }
  std::ofstream(folder / "data" / "topics" / "a" / "0" / segment_file_name(1000)) << "begun";
}

class EmbeddedCrash : public ::testing::TestWithParam<std::string_view> {};

INSTANTIATE_TEST_SUITE_P(Points, EmbeddedCrash, ::testing::ValuesIn(kEmbeddedCrashPoints),
                         [](const auto& info) {
                           std::string name(info.param.substr(sizeof "embedded." - 1));
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST_P(EmbeddedCrash, LosesAndDoublesNothing) {
#ifndef PENSTOCK_CRASH_POINTS
  GTEST_SKIP() << "crash points are not compiled in";
#endif
  TemporaryFolder folder;
  bool recovering = GetParam().find(".recover.") != std::string_view::npos;
  if (recovering) {
    // Dies within the removal of a topic first, so that there is garbage to recover from.
    EXPECT_TRUE(WIFSIGNALED(run_child(folder.path(), "embedded.remove.after_state", 1)));
    leave_tails(folder.path());
  }
  int status = run_child(folder.path(), GetParam(), 1);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the point was not passed";
  check_folder(folder.path(), "first crash");
  if (HasFatalFailure()) return;
  status = run_child(folder.path(), GetParam(), 2);
  if (!recovering) check_folder(folder.path(), "second crash");
  EXPECT_EQ(run_child(folder.path(), "", 0), 0) << "work goes on";
  check_folder(folder.path(), "at the end");
}

}  // namespace
}  // namespace penstock::topics
