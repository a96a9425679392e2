#include "seal/sequence_guard.h"

#include <gtest/gtest.h>

#include "seal/limits.h"

namespace penstock::seal {
namespace {

TEST(SequenceGuard, TakesRisingSequencesPerEpochWithGaps) {
  SequenceGuard guard;
  EXPECT_EQ(guard.admit(EpochId(1), 0), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(EpochId(2), 0), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(EpochId(1), 1), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(EpochId(1), 1000), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(EpochId(1), 1000), OpenOutcome::replayed);
  EXPECT_EQ(guard.admit(EpochId(1), 999), OpenOutcome::replayed);
  EXPECT_EQ(guard.admit(EpochId(2), 0), OpenOutcome::replayed);
  EXPECT_EQ(guard.admit(EpochId(2), UINT32_MAX), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(EpochId(2), UINT32_MAX), OpenOutcome::replayed);
}

TEST(SequenceGuard, ComesBackFromItsStoredState) {
  SequenceGuard guard;
  for (std::uint64_t epoch : {7, 3, 5})
    ASSERT_EQ(guard.admit(EpochId(epoch), 40 + static_cast<std::uint32_t>(epoch)), OpenOutcome::ok);
  auto back = SequenceGuard::parse(guard.serialize());
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->serialize(), guard.serialize());
  EXPECT_EQ(back->admit(EpochId(5), 45), OpenOutcome::replayed);
  EXPECT_EQ(back->admit(EpochId(5), 46), OpenOutcome::ok);
}

TEST(SequenceGuard, TellsEachChangeOnceForTheCommit) {
  SequenceGuard guard;
  using Entry = SequenceGuard::Entry;
  (void)guard.admit(EpochId(1), 5);
  (void)guard.admit(EpochId(1), 6);
  (void)guard.admit(EpochId(2), 1);
  EXPECT_EQ(guard.take_changes(), (std::vector<Entry>{{EpochId(1), 6}, {EpochId(2), 1}}));
  EXPECT_TRUE(guard.take_changes().empty());
  (void)guard.admit(EpochId(2), 1);  // a replay changes nothing
  EXPECT_TRUE(guard.take_changes().empty());
  (void)guard.admit(EpochId(1), 9);
  EXPECT_EQ(guard.take_changes(), (std::vector<Entry>{{EpochId(1), 9}}));
  SequenceGuard back;
  ASSERT_TRUE(back.restore({EpochId(1), 9}).has_value());
  EXPECT_TRUE(back.take_changes().empty());
  EXPECT_EQ(back.admit(EpochId(1), 9), OpenOutcome::replayed);
}

TEST(SequenceGuard, ForgetsEndedEpochs) {
  SequenceGuard guard;
  (void)guard.admit(EpochId(1), 5);
  guard.forget(EpochId(1));
  EXPECT_EQ(guard.size(), 0u);
  EXPECT_TRUE(guard.take_changes().empty());
  EXPECT_EQ(guard.admit(EpochId(1), 2), OpenOutcome::ok);
  EXPECT_EQ(guard.take_changes().size(), 1u);
}

TEST(SequenceGuard, FollowsOnlySoManyEpochsAndDropsNone) {
  SequenceGuard guard;
  for (std::uint64_t epoch = 0; epoch < kGuardEpochsMax; ++epoch)
    ASSERT_EQ(guard.admit(EpochId(epoch), 1), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(EpochId(kGuardEpochsMax), 1), OpenOutcome::too_many_epochs);
  EXPECT_EQ(guard.admit(EpochId(0), 1), OpenOutcome::replayed);
  EXPECT_EQ(guard.restore({EpochId(kGuardEpochsMax), 1}).error().code(), ErrorCode::limit_exceeded);
}

TEST(SequenceGuard, GoesOnWhereItWasAfterAMove) {
  SequenceGuard first;
  (void)first.admit(EpochId(1), 5);
  SequenceGuard second = std::move(first);
  EXPECT_EQ(second.admit(EpochId(1), 5), OpenOutcome::replayed);
  EXPECT_EQ(second.admit(EpochId(1), 6), OpenOutcome::ok);
  SequenceGuard third;
  third = std::move(second);
  EXPECT_EQ(third.take_changes().size(), 1u);
  EXPECT_EQ(third.admit(EpochId(1), 6), OpenOutcome::replayed);
}

TEST(SequenceGuard, RefusesDamagedState) {
  for (std::size_t size : {13, 24}) {  // 24: epoch 0 twice
    auto damaged = SequenceGuard::parse(ByteBuffer(size));
    ASSERT_FALSE(damaged.has_value());
    EXPECT_EQ(damaged.error().code(), ErrorCode::corrupt);
  }
  EXPECT_TRUE(SequenceGuard::parse({}).has_value());
}

}  // namespace
}  // namespace penstock::seal
