// What is edited in the state database between two runs is noticed: when the log is opened, or when
// the task is.
#include <algorithm>
#include <map>
#include <memory>

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "topics/embedded_log.h"
#include "topics/log_client.h"
#include "topics/public_identity.h"
#include "topics/test_log.h"
#include "topics/test_state_key.h"

namespace penstock::topics {
namespace {

using Strings = std::vector<std::string>;
using Pairs = std::map<std::string, std::string>;

// As test_identity(), of which not everybody knows the key.
class SecretTestKey final : public StateKey {
 public:
  explicit SecretTestKey(std::uint64_t seed) : inner_(seed) {}
  Digest mac(ByteView message) const override { return inner_.mac(message); }
  std::unique_ptr<const Prf> prf(ByteView label) const override { return inner_.prf(label); }
  Digest hash(ByteView message) const override { return inner_.hash(message); }
  bool is_public() const override { return false; }

 private:
  TestStateKey inner_;
};

StateIdentity secret_identity(std::uint64_t seed = 7) {
  return {"pay", std::make_shared<SecretTestKey>(seed)};
}

class EditedState : public ::testing::Test {
 protected:
  static inline const std::vector<TaskId> kTasks = {TaskId("Q/0"), TaskId("Q/1"), TaskId("R/0")};

  Result<std::unique_ptr<EmbeddedLog>> try_open(bool accept_loss = false,
                                                StateIdentity identity = secret_identity()) {
    return EmbeddedLog::open({.folder = folder_.path(),
                              .segment_bytes = 4000,
                              .serve = false,
                              .identity = std::move(identity),
                              .accept_loss = accept_loss});
  }
  // Q has state, R has positions alone.
  static void commit_all(Writer& writer, int number) {
    auto commit = must(writer.begin());
    for (const TaskId& task : kTasks) {
      commit->advance(task, at("in", 0), LogPosition{number});
      if (task == TaskId("R/0")) continue;
      for (std::string key : {"counter", "guard"}) {
        const std::string value = key + std::to_string(number) + task.value();
        commit->state(task).put(as_bytes(key), as_bytes(value));
      }
    }
    must(commit->append(at("out", 0), values({std::to_string(number)})));
    must_finish(*commit);
  }
  void run(int first, int last) {
    auto log = must(try_open());
    if (first == 1) {
      must(log->create({topic("in"), 1, false}));
      must(log->create({topic("out"), 1, false}));
      auto producer = must(log->writer(WriterId("producer")));
      must_commit(*producer, at("in", 0), Strings(100, "x"));
    }
    auto writer = must(log->writer(WriterId("w")));
    open_tasks(*writer, kTasks);
    for (int i = first; i <= last; ++i) commit_all(*writer, i);
    auto producer = must(log->writer(WriterId("producer")));  // moves the end on, leaves the root
    must_commit(*producer, at("out", 0), {"of others"});
  }
  void SetUp() override {
    run(1, 3);
    before_ = pairs();
    run(4, 5);
    after_ = pairs();
  }

  std::unique_ptr<rocksdb::DB> database() {
    rocksdb::DB* db = nullptr;
    rocksdb::Options options;
    EXPECT_TRUE(rocksdb::DB::Open(options, (folder_.path() / "state").string(), &db).ok());
    return std::unique_ptr<rocksdb::DB>(db);
  }
  Pairs pairs() {
    auto db = database();
    Pairs out;
    std::unique_ptr<rocksdb::Iterator> it(db->NewIterator({}));
    for (it->SeekToFirst(); it->Valid(); it->Next())
      out.emplace(it->key().ToString(), it->value().ToString());
    return out;
  }
  // Makes the database hold exactly these pairs.
  void write(const Pairs& wanted) {
    const Pairs present = pairs();
    auto db = database();
    rocksdb::WriteBatch batch;
    for (const auto& [key, value] : present)
      if (!wanted.contains(key)) batch.Delete(key);
    for (const auto& [key, value] : wanted) batch.Put(key, value);
    EXPECT_TRUE(db->Write({}, &batch).ok());
  }
  // What opening the log and all tasks says first; absent: nothing is wrong.
  std::optional<Error> complaint() {
    auto log = try_open();
    if (!log) return log.error();
    auto writer = must((*log)->writer(WriterId("w")));
    for (const TaskId& task : kTasks)
      if (auto restored = writer->restore(task, [](ByteView, ByteView) {}); !restored)
        return restored.error();
    return std::nullopt;
  }
  void expect_refused(const Pairs& edited, const std::string& what, std::string_view text = {}) {
    ASSERT_NE(edited, after_) << what;
    write(edited);
    const auto said = complaint();
    write(after_);
    ASSERT_TRUE(said) << what;
    EXPECT_EQ(said->code(), ErrorCode::corrupt) << what << ": " << said->text();
    EXPECT_NE(said->text().find(text), std::string::npos) << what << ": " << said->text();
  }
  static std::string checkpoint_of(std::string_view task) {
    return std::string("cpay").append(1, '\0').append(task);
  }
  static std::string state_of(std::string_view task, std::string_view key) {
    return std::string("spay").append(1, '\0').append(task).append(1, '\0').append(key);
  }
  static std::string printed(std::string key) {
    std::ranges::replace(key, '\0', '|');
    return key;
  }

  TemporaryFolder folder_;
  Pairs before_, after_;
};

TEST_F(EditedState, IsRefusedWhenAnyPairIsRemoved) {
  int removed = 0;
  for (const auto& [key, value] : after_) {
    // Epochs of writers and the counter of topics are not the service's; nor are the input topic
    // and the number of a round in which others have written.
    if (key[0] == 'w' || key == "mtopic_id" || key == "mround" || key == "tin") continue;
    if (key[0] == 'r' && key != "rpay") continue;
    Pairs edited = after_;
    edited.erase(key);
    expect_refused(edited, "without " + printed(key));
    ++removed;
  }
  EXPECT_GE(removed, 3 + 4 + 1 + 1 + 3);
  EXPECT_FALSE(complaint());
}

TEST_F(EditedState, SaysWhichTaskHasLostItsPosition) {
  Pairs edited = after_;
  edited.erase(checkpoint_of("Q/1"));
  expect_refused(edited, "without a checkpoint", "position_lost");
  expect_refused(edited, "without a checkpoint", "'Q/1'");
  expect_refused(edited, "without a checkpoint", "'pay'");
  edited = after_;
  edited.erase(checkpoint_of("R/0"));
  expect_refused(edited, "without a checkpoint of a task without state", "position_lost");
  edited = after_;
  edited.erase(checkpoint_of("Q/1"));
  edited.erase(state_of("Q/1", "counter"));
  edited.erase(state_of("Q/1", "guard"));
  expect_refused(edited, "without the whole of a task", "position_lost");
}

TEST_F(EditedState, IsRefusedWhenAnyPairIsPutBackOneCommit) {
  int put_back = 0;
  for (const auto& [key, value] : before_) {
    if (key[0] == 'w' || !after_.contains(key) || after_.at(key) == value) continue;
    if (key == "mround") continue;  // the root's round is newer
    Pairs edited = after_;
    edited[key] = value;
    expect_refused(edited, "put back " + printed(key));
    ++put_back;
  }
  EXPECT_GE(put_back, 3 + 4 + 1 + 1);
}

// Rounds go on behind the root's, whatever `m round` says.
TEST_F(EditedState, RoundsGoOnBehindTheRoots) {
  Pairs edited = after_;
  edited.erase("mround");
  write(edited);
  EXPECT_FALSE(complaint());
  run(6, 6);
  EXPECT_FALSE(complaint());
}

TEST_F(EditedState, IsRefusedWhenATaskIsPutBackAsAWhole) {
  for (std::string task : {"Q/0", "R/0"}) {
    Pairs edited = after_;
    for (const auto& [key, value] : before_)
      if (key == checkpoint_of(task) || key.starts_with(state_of(task, ""))) edited[key] = value;
    expect_refused(edited, "task " + task + " as it was", "'pay'");
  }
}

TEST_F(EditedState, IsRefusedWhenTasksAreSwapped) {
  Pairs edited = after_;
  std::swap(edited[checkpoint_of("Q/0")], edited[checkpoint_of("Q/1")]);
  expect_refused(edited, "swapped checkpoints", "'Q/");
  edited = after_;
  std::swap(edited[state_of("Q/0", "counter")], edited[state_of("Q/1", "counter")]);
  expect_refused(edited, "swapped values", "'Q/0'");
  edited = after_;
  std::swap(edited[state_of("Q/0", "counter")], edited[state_of("Q/0", "guard")]);
  expect_refused(edited, "swapped values of one task", "'Q/0'");
  edited = after_;
  edited[state_of("R/0", "made up")] = "1";
  expect_refused(edited, "state of a task that has none", "'R/0'");
  edited = after_;
  edited[checkpoint_of("R/1")] = after_.at(checkpoint_of("R/0"));
  expect_refused(edited, "a copied checkpoint", "'R/1'");
}

TEST_F(EditedState, IsRefusedWhenAnyByteOfACheckpointOrRootIsChanged) {
  for (const std::string& key : {checkpoint_of("R/0"), std::string("rpay")}) {
    for (std::size_t i = 1; i < after_.at(key).size(); i += 23) {  // not their versions
      Pairs edited = after_;
      edited[key][i] = static_cast<char>(edited[key][i] ^ 1);
      expect_refused(edited, printed(key) + " byte " + std::to_string(i));
    }
  }
}

TEST_F(EditedState, IsRefusedWhenTheRootIsCut) {
  for (const std::size_t size : {0, 1, 7, 8, 9, 40}) {
    Pairs edited = after_;
    edited["rpay"].resize(size);
    expect_refused(edited, "a root of " + std::to_string(size) + " bytes");
  }
}

// The end of what tasks wrote falls behind: the records are there, and sound.
TEST_F(EditedState, IsRefusedWhenACommittedEndIsMoved) {
  for (const auto& [key, value] : before_) {
    if (key[0] != 'e' || after_.at(key) == value) continue;
    Pairs edited = after_;
    edited[key] = value;
    expect_refused(edited, "an end moved back", "'pay'");
    edited = after_;
    edited[key][0] = static_cast<char>(edited[key][0] + 1);
    expect_refused(edited, "an end moved forward");
  }
}

TEST_F(EditedState, CanBeAcceptedByAnOwner) {
  Pairs edited = after_;
  edited.erase(checkpoint_of("R/0"));
  write(edited);
  EXPECT_TRUE(complaint());
  {
    auto log = must(try_open(/*accept_loss=*/true));
    auto writer = must(log->writer(WriterId("w")));
    EXPECT_EQ(positions_of(*writer, TaskId("Q/0")).at(0).next, 5);
    EXPECT_TRUE(positions_of(*writer, TaskId("R/0")).empty());
  }
  EXPECT_FALSE(complaint());
}

TEST_F(EditedState, BelongsToOneKey) {
  auto other = try_open(false, secret_identity(8));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), ErrorCode::corrupt);
  EXPECT_NE(other.error().text().find("another state key"), std::string::npos);
  EXPECT_TRUE(try_open(false, test_identity("another service")));
  EXPECT_FALSE(complaint());
}

// Who only reaches the socket gets no checkpoint made in the holder's name, and touches none.
TEST_F(EditedState, IsNotReachedThroughTheSocket) {
  auto log = must(EmbeddedLog::open(
      {.folder = folder_.path(), .segment_bytes = 4000, .identity = secret_identity()}));
  const Pairs held = [&] {
    Pairs out = after_;
    std::erase_if(out, [](const auto& pair) { return pair.first.find("pay") != 1; });
    return out;
  }();
  auto client = must(connect_log(folder_.path()));
  auto writer = must(client->writer(WriterId("client")));
  const TaskId task("Q/0");
  EXPECT_TRUE(positions_of(*writer, task).empty());
  auto commit = must(writer->begin());
  commit->advance(task, at("in", 0), LogPosition{1});
  commit->state(task).put(as_bytes("counter"), as_bytes("forged"));
  must_finish(*commit);
  commit.reset();
  must(writer->reset(task, {{at("in", 0), LogPosition{77}}}));
  EXPECT_EQ(positions_of(*writer, task).at(0).next, 77);
  must(writer->forget(TaskId("R/0")));
  writer.reset();
  client.reset();
  log.reset();
  for (const auto& [key, value] : held) EXPECT_EQ(pairs()[key], value) << printed(key);
  EXPECT_FALSE(complaint());
  auto own = must(EmbeddedLog::open({.folder = folder_.path(),
                                     .segment_bytes = 4000,
                                     .serve = false,
                                     .identity = clients_identity()}));
  auto counting = must(own->writer(WriterId("client")));
  EXPECT_EQ(positions_of(*counting, task).at(0).next, 77) << "the same without the socket";
  counting.reset();
  own.reset();
  EXPECT_EQ(code_of(try_open(false, {std::string(kClientsService), secret_identity().key})),
            ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace penstock::topics
