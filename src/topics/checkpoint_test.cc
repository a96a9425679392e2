#include "topics/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "topics/state_digest.h"
#include "topics/test_log.h"
#include "topics/test_state_key.h"

namespace penstock::topics {
namespace {

const TaskId kCheckpointed("Q.0/3");

Checkpoint some_checkpoint() {
  Checkpoint made{.task = kCheckpointed, .commit = 7, .lease_term = 2};
  made.incarnation.fill(9);
  made.previous.fill(5);
  made.set(at("orders", 3), LogPosition{41, 2, "id"});
  made.set(at("clock", 0), StreamTimePosition{-5});
  made.set(at("binlog", 0), SourcePosition{{1, 2, 3}});
  return made;
}

TEST(Checkpoint, ComesBackAsItWasStored) {
  const Digest state{1, 2, 3};
  const ByteBuffer stored = seal_checkpoint(some_checkpoint(), state, test_identity());
  EXPECT_EQ(must(read_checkpoint(stored, kCheckpointed)), some_checkpoint());
  EXPECT_TRUE(verify_checkpoint(stored, kCheckpointed, state, test_identity()));
  EXPECT_EQ(*some_checkpoint().find(at("orders", 3)), Position(LogPosition{41, 2, "id"}));
  EXPECT_EQ(some_checkpoint().find(at("orders", 2)), nullptr);
}

TEST(Checkpoint, IsRefusedWithAnotherStateServiceKeyOrTask) {
  const Digest state{1, 2, 3}, other_state{1, 2, 4};
  const ByteBuffer stored = seal_checkpoint(some_checkpoint(), state, test_identity());
  EXPECT_EQ(code_of(verify_checkpoint(stored, kCheckpointed, other_state, test_identity())),
            ErrorCode::corrupt);
  EXPECT_EQ(code_of(verify_checkpoint(stored, kCheckpointed, state, test_identity("other"))),
            ErrorCode::corrupt);
  EXPECT_EQ(code_of(verify_checkpoint(stored, kCheckpointed, state, test_identity("test", 2))),
            ErrorCode::corrupt);
  EXPECT_EQ(code_of(verify_checkpoint(stored, TaskId("Q.0/4"), state, test_identity())),
            ErrorCode::corrupt);
}

TEST(Checkpoint, EveryByteCounts) {
  const Digest state{};
  const ByteBuffer stored = seal_checkpoint(some_checkpoint(), state, test_identity());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    ByteBuffer changed = stored;
    changed[i] ^= 0x10;
    EXPECT_FALSE(verify_checkpoint(changed, kCheckpointed, state, test_identity())) << i;
    const ByteView shorter(stored.data(), i);
    EXPECT_FALSE(verify_checkpoint(shorter, kCheckpointed, state, test_identity())) << i;
  }
}

TEST(Checkpoint, AnotherVersionIsSaid) {
  ByteBuffer stored = seal_checkpoint(some_checkpoint(), {}, test_identity());
  stored[0] = 99;
  const auto read = read_checkpoint(stored, kCheckpointed);
  EXPECT_EQ(code_of(read), ErrorCode::unsupported);
  EXPECT_THAT(read.error().text(), testing::HasSubstr("version is 99"));
}

TEST(StateDigest, IsTheSameWhateverTheWayThere) {
  const StateIdentity identity = test_identity();
  StateDigest straight(*identity.key, kCheckpointed), around(*identity.key, kCheckpointed);
  straight.add(as_bytes("a"), as_bytes("2"));
  straight.add(as_bytes("b"), as_bytes("3"));
  around.add(as_bytes("b"), as_bytes("3"));
  around.add(as_bytes("x"), as_bytes("9"));
  StateDigestUpdate update(around);
  update.put(as_bytes("a"), as_bytes("1"));
  update.erase(as_bytes("x"));
  update.put(as_bytes("a"), as_bytes("2"));
  update.erase(as_bytes("never there"));
  EXPECT_EQ(update.bytes(), straight.bytes());
  EXPECT_NE(around.bytes(), straight.bytes());
  around.apply(std::move(update));
  EXPECT_EQ(around.bytes(), straight.bytes());
  EXPECT_EQ(around.entries(), 2u);
  StateDigestUpdate all_gone(around);
  all_gone.erase(as_bytes("a"));
  all_gone.erase(as_bytes("b"));
  EXPECT_EQ(all_gone.bytes(), Digest{});
}

TEST(StateDigest, TellsTasksKeysAndValuesApart) {
  const StateIdentity identity = test_identity();
  const auto digest = [&](const char* task, const char* key, const char* value) {
    StateDigest made(*identity.key, TaskId(task));
    made.add(as_bytes(key), as_bytes(value));
    return made.bytes();
  };
  EXPECT_NE(digest("t", "a", "bc"), digest("t", "ab", "c"));
  EXPECT_NE(digest("t", "a", "b"), digest("ta", "", "b"));
  EXPECT_EQ(digest("t", "a", "b"), digest("t", "a", "b"));
}

TEST(Sum256, CarriesAndBorrows) {
  Digest ones;
  ones.fill(0xFF);
  const Digest one{1};
  Sum256 sum;
  sum.add(ones);
  sum.add(one);
  EXPECT_EQ(sum.bytes(), Digest{});
  sum.subtract(one);
  EXPECT_EQ(sum.bytes(), ones);
}

}  // namespace
}  // namespace penstock::topics
