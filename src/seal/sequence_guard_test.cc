#include "seal/sequence_guard.h"

#include <gtest/gtest.h>

#include "seal/limits.h"

namespace penstock::seal {
namespace {

EpochName epoch_of_producer(std::uint8_t producer, std::uint64_t id) {
  EpochName out;
  out.producer.fill(producer);
  out.epoch = EpochId(id);
  return out;
}
EpochName epoch(std::uint64_t id) {
  return epoch_of_producer(1, id);
}

using Entry = SequenceGuard::Entry;
using Gap = SequenceGuard::Gap;

TEST(SequenceGuard, TakesRisingSequencesPerEpochAndCountsGaps) {
  SequenceGuard guard;
  EXPECT_EQ(guard.admit(epoch(1), 0), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(epoch(2), 0), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(epoch(1), 1), OpenOutcome::ok);
  EXPECT_TRUE(guard.take_gaps().empty());
  EXPECT_EQ(guard.admit(epoch(1), 1000), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(epoch(1), 1000), OpenOutcome::replayed);
  EXPECT_EQ(guard.admit(epoch(1), 999), OpenOutcome::replayed);
  EXPECT_EQ(guard.admit(epoch(1), 1002), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(epoch(2), 0), OpenOutcome::replayed);
  EXPECT_EQ(guard.admit(epoch(2), UINT32_MAX), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(epoch(2), UINT32_MAX), OpenOutcome::replayed);
  EXPECT_EQ(guard.take_gaps(),
            (std::vector<Gap>{{epoch(1), 999, false}, {epoch(2), UINT32_MAX - 1, false}}));
  EXPECT_EQ(guard.totals(), (GapTotals{.gaps = 3, .missing = 999ULL + UINT32_MAX - 1}));
}

TEST(SequenceGuard, AFirstSequenceAboveZeroIsAGapOfItsOwnKind) {
  SequenceGuard guard;
  EXPECT_EQ(guard.admit(epoch(1), 5), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(epoch(1), 6), OpenOutcome::ok);
  EXPECT_EQ(guard.take_gaps(), (std::vector<Gap>{{epoch(1), 5, true}}));
  EXPECT_EQ(guard.totals(), (GapTotals{.head_gaps = 1, .head_missing = 5}));
  EXPECT_EQ(guard.admit(epoch(1), 4), OpenOutcome::replayed);
}

TEST(SequenceGuard, OnACompactedTopicOnlyRepeatsAndFallsAreRefused) {
  SequenceGuard guard(SequenceGuard::Order::compacted);
  EXPECT_EQ(guard.admit(epoch(1), 5), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(epoch(1), 9), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(epoch(1), 9), OpenOutcome::replayed);
  EXPECT_EQ(guard.totals(), GapTotals{});
}

TEST(SequenceGuard, EpochsOfTwoProducersWithOneIdAreTwo) {
  SequenceGuard guard;
  EXPECT_EQ(guard.admit(epoch_of_producer(1, 7), 0), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(epoch_of_producer(2, 7), 0), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(epoch_of_producer(1, 7), 1), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(epoch_of_producer(2, 7), 0), OpenOutcome::replayed);
  EXPECT_EQ(guard.size(), 2u);
}

TEST(SequenceGuard, TellsEachChangeOnceForTheCommitAndComesBack) {
  SequenceGuard guard;
  (void)guard.admit(epoch(1), 0);
  (void)guard.admit(epoch(1), 1);
  (void)guard.admit(epoch_of_producer(2, 1), 0);
  EXPECT_EQ(guard.take_changes(),
            (std::vector<Entry>{{epoch(1), 1}, {epoch_of_producer(2, 1), 0}}));
  EXPECT_TRUE(guard.take_changes().empty());
  (void)guard.admit(epoch(1), 1);  // a replay changes nothing
  EXPECT_TRUE(guard.take_changes().empty());
  (void)guard.admit(epoch(1), 2);
  Entry changed = guard.take_changes().at(0);
  EXPECT_EQ(changed, (Entry{epoch(1), 2}));
  SequenceGuard back;
  Entry stored =
      SequenceGuard::parse_entry(to_bytes(changed.epoch), SequenceGuard::encode_value(changed))
          .value();
  ASSERT_TRUE(back.restore(stored).has_value());
  EXPECT_TRUE(back.take_changes().empty());
  EXPECT_EQ(back.admit(epoch(1), 2), OpenOutcome::replayed);
  EXPECT_EQ(back.admit(epoch(1), 3), OpenOutcome::ok);
  EXPECT_TRUE(back.take_gaps().empty());
}

TEST(SequenceGuard, HoldsAHundredThousandEpochsInLittleMemory) {
  constexpr std::uint64_t kEpochs = 100'000;
  SequenceGuard guard;
  for (std::uint64_t id = 0; id < kEpochs; ++id) {
    auto producer = static_cast<std::uint8_t>(id % 3);
    ASSERT_EQ(guard.admit(epoch_of_producer(producer, id), 0), OpenOutcome::ok);
    if (id % 1000 == 0) (void)guard.take_changes();
  }
  (void)guard.take_changes();
  EXPECT_EQ(guard.size(), kEpochs);
  EXPECT_LE(guard.memory_bytes(), 44 * kEpochs);
  for (std::uint64_t id = 0; id < kEpochs; ++id) {
    auto producer = static_cast<std::uint8_t>(id % 3);
    ASSERT_EQ(guard.admit(epoch_of_producer(producer, id), 0), OpenOutcome::replayed);
    ASSERT_EQ(guard.admit(epoch_of_producer(producer, id), 1), OpenOutcome::ok);
  }
  EXPECT_EQ(guard.take_changes().size(), kEpochs);
}

TEST(SequenceGuard, KeepsOnlySoManyGapsApartAndCountsAll) {
  SequenceGuard guard;
  for (std::uint64_t id = 0; id < kGapsKeptMax + 10; ++id)
    ASSERT_EQ(guard.admit(epoch(id), 2), OpenOutcome::ok);
  EXPECT_EQ(guard.totals().head_missing, 2 * (kGapsKeptMax + 10));
  EXPECT_EQ(guard.take_gaps().size(), kGapsKeptMax);
}

TEST(SequenceGuard, GoesOnWhereItWasAfterAMove) {
  SequenceGuard first;
  (void)first.admit(epoch(1), 0);
  SequenceGuard second = std::move(first);
  EXPECT_EQ(second.admit(epoch(1), 0), OpenOutcome::replayed);
  EXPECT_EQ(second.admit(epoch(1), 1), OpenOutcome::ok);
  SequenceGuard third;
  third = std::move(second);
  EXPECT_EQ(third.take_changes().size(), 1u);
  EXPECT_EQ(third.admit(epoch(1), 1), OpenOutcome::replayed);
}

TEST(SequenceGuard, RefusesDamagedState) {
  EpochNameBytes key{};
  for (std::size_t size : {0, 4, 6}) {
    auto damaged = SequenceGuard::parse_entry(key, ByteBuffer(size, 1));
    ASSERT_FALSE(damaged.has_value());
    EXPECT_EQ(damaged.error().code(), ErrorCode::corrupt);
  }
  EXPECT_FALSE(SequenceGuard::parse_entry(key, ByteBuffer(5, 2)));  // another version
  EXPECT_FALSE(SequenceGuard::parse_entry(ByteView(key).first(8), ByteBuffer(5, 1)));
  EXPECT_TRUE(SequenceGuard::parse_entry(key, ByteBuffer(5, 1)));
  GapTotals totals{.gaps = 1, .missing = 2, .head_gaps = 3, .head_missing = 4};
  ByteBuffer bytes = encode_gap_totals(totals);
  EXPECT_EQ(parse_gap_totals(bytes).value(), totals);
  bytes[0] = 2;
  EXPECT_EQ(parse_gap_totals(bytes).error().code(), ErrorCode::corrupt);
  EXPECT_FALSE(parse_gap_totals(ByteView(bytes).first(8)));
}

}  // namespace
}  // namespace penstock::seal
