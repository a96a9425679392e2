// What a sealer gives out: sequences, padding, epochs, and when it refuses.
#include "seal/sealer.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <vector>

#include "seal/limits.h"
#include "seal/test_sealing.h"

namespace penstock::seal {
namespace {

using namespace test;  // NOLINT: builders

TEST(Sealer, CountsFromZeroInEachPartition) {
  World w;
  std::vector<std::optional<std::int32_t>> partitions = {0, 2, {}, 0, 70'000, 2, {}, 70'000, 0};
  std::vector<std::uint32_t> sequences;
  std::set<std::string> sealed_once;
  for (std::optional<std::int32_t> partition : partitions) {
    RecordContext context = context_of("k", 1);
    context.partition = partition;
    ByteBuffer sealed, out;
    ASSERT_EQ(w.sealer->seal(context, as_bytes("same"), sealed), SealOutcome::ok);
    EXPECT_EQ(w.opener->open_in_any_order(context, sealed, out), OpenOutcome::ok);
    SealedRecord record;
    ASSERT_TRUE(parse_record(sealed, record));
    sequences.push_back(record.sequence);
    EXPECT_TRUE(sealed_once.insert(to_hex(record.ciphertext)).second);  // no nonce twice
  }
  EXPECT_EQ(sequences, (std::vector<std::uint32_t>{0, 0, 0, 1, 0, 1, 1, 1, 2}));
}

// Rows, single records and rows again: one sequence, whatever differs from row to row.
TEST(Sealer, SealsRowsAsItSealsRecords) {
  World w;
  const std::vector<std::string> keys = {
      "", "k", "key", "four", "", "eleven more", "a longer key than those"};
  const auto time_of = [](std::size_t i) { return i % 5 == 0 ? 7 : kNowMs + std::int64_t(i); };
  std::vector<ByteBuffer> sealed;
  std::vector<std::string> bodies;
  const auto seal_rows = [&](std::size_t rows) {
    ByteBuffer key_bytes, plaintexts, out;
    std::vector<std::uint32_t> key_ends, plaintext_ends, ends(rows);
    std::vector<std::int64_t> times;
    for (std::size_t i = 0; i < rows; ++i) {
      bodies.emplace_back(i * i, 'b');
      const ByteView key = as_bytes(keys[i % keys.size()]), body = as_bytes(bodies.back());
      key_bytes.insert(key_bytes.end(), key.begin(), key.end());
      key_ends.push_back(static_cast<std::uint32_t>(key_bytes.size()));
      plaintexts.push_back(static_cast<std::uint8_t>(Kind::body));
      plaintexts.insert(plaintexts.end(), body.begin(), body.end());
      plaintext_ends.push_back(static_cast<std::uint32_t>(plaintexts.size()));
      times.push_back(time_of(i));
    }
    out.resize(plaintexts.size() + rows * kSealedOverheadMax);
    w.sealer->seal_rows(kPartition,
                        {.keys = PackedCells{key_bytes, key_ends},
                         .plaintexts = {plaintexts, plaintext_ends},
                         .timestamps_ms = times},
                        out.data(), ends);
    for (std::size_t i = 0; i < rows; ++i) sealed.push_back(to_buffer(PackedCells{out, ends}[i]));
  };
  const auto open_all = [&](SequenceGuard& guard) {
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      ByteBuffer out;
      const RecordContext context = context_of(keys[i % keys.size()], time_of(i));
      ASSERT_EQ(w.opener->open(context, sealed[i], guard, out), OpenOutcome::ok) << i;
      EXPECT_EQ(as_text(out), bodies[i]) << i;
    }
  };
  seal_rows(0);
  seal_rows(1);
  sealed.clear();
  bodies.clear();
  seal_rows(20);
  SequenceGuard guard;
  open_all(guard);
  EXPECT_EQ(guard.totals().missing, 0u);
  EXPECT_EQ(guard.totals().head_missing, 1u);  // the one that was cleared
  const ByteBuffer single = w.seal("k", kNowMs, "after them");
  sealed.clear();
  bodies.clear();
  seal_rows(3);
  ByteBuffer out;
  EXPECT_EQ(w.opener->open(context_of("k", kNowMs), single, guard, out), OpenOutcome::ok);
  open_all(guard);
  EXPECT_EQ(guard.totals().missing, 0u);
}

TEST(Sealer, PaddingHidesTheExactSize) {
  World w;
  std::set<std::size_t> sizes;
  for (std::size_t size = 0; size < 64; ++size) {
    ByteBuffer sealed, out;
    std::string body(size, 'x');
    ASSERT_EQ(w.sealer->seal_padded(kWithoutKey, as_bytes(body), 64, sealed), SealOutcome::ok);
    sizes.insert(sealed.size());
    ASSERT_EQ(w.opener->open_in_any_order(kWithoutKey, sealed, out), OpenOutcome::ok);
    EXPECT_EQ(as_text(out), body);
  }
  EXPECT_EQ(sizes.size(), 1u);
}

TEST(Sealer, BeginsANewEpochAtStartAfterItsLifetimeAndOnRequest) {
  World w;
  EpochId first = w.sealer->epoch();
  EXPECT_NE(w.new_sealer()->epoch(), first);
  auto sealer = Sealer::create({.topic = "payments",
                                .policy_id = "pay-v1",
                                .schema_reference = {},
                                .epoch_lifetime_s = 60},
                               w.keys, crypto::system_random(), kNowMs)
                    .value();
  EXPECT_EQ(sealer->take_grants().size(), 1u);
  EpochId before = sealer->epoch();
  EXPECT_TRUE(sealer->prepare(kNowMs + 59'999, 100));
  EXPECT_EQ(sealer->epoch(), before);
  EXPECT_TRUE(sealer->prepare(kNowMs + 60'000, 100));
  EXPECT_NE(sealer->epoch(), before);
  EXPECT_TRUE(sealer->begin_epoch(kNowMs + 60'000));
  EXPECT_EQ(sealer->take_grants().size(), 2u);
}

TEST(Sealer, StopsWhenItsPolicyEnds) {
  World w;
  EXPECT_TRUE(w.sealer->prepare(kNotAfterS * 1000 + 999, 1));
  EXPECT_EQ(w.sealer->prepare(kNotAfterS * 1000 + 1000, 1).error().code(),
            ErrorCode::failed_precondition);
}

TEST(EpochSealer, UsesEverySequenceOnceAndThenRefuses) {
  EpochKeys keys = EpochKeys::derive(ByteBuffer(32, 1), EpochId(1), ByteBuffer{0x80}).value();
  EpochSealer sealer(EpochId(1), keys, crypto::AeadEngine::best,
                     {.partition = {}, .next_sequence = UINT32_MAX});
  ByteBuffer out;
  EXPECT_EQ(sealer.records_left(), 1u);
  EXPECT_EQ(sealer.seal({}, Kind::body, {}, out), SealOutcome::ok);
  std::size_t size = out.size();
  EXPECT_EQ(sealer.seal({}, Kind::body, {}, out), SealOutcome::epoch_used_up);
  EXPECT_EQ(sealer.seal({}, Kind::body, {}, out), SealOutcome::epoch_used_up);
  EXPECT_EQ(out.size(), size);
}

TEST(EpochSealer, RefusesWhatPassesALimitAndTakesWhatDoesNot) {
  EpochKeys keys = EpochKeys::derive(ByteBuffer(32, 1), EpochId(1), ByteBuffer{0x80}).value();
  EpochSealer sealer(EpochId(1), keys, crypto::AeadEngine::best);
  ByteBuffer out, body(kSealedRecordBytesMax - kSealedOverheadMax + 1);
  EXPECT_EQ(sealer.seal({}, Kind::body, body, out), SealOutcome::too_large);
  body.pop_back();
  EXPECT_EQ(sealer.seal({}, Kind::body, body, out), SealOutcome::ok);
  ByteBuffer key(kRecordKeyBytesMax + 1);
  RecordContext context{.key = Slice::of(key), .timestamp_ms = {}, .path = {}, .partition = {}};
  EXPECT_EQ(sealer.seal(context, Kind::body, {}, out), SealOutcome::too_large);
  context.key.size -= 1;
  EXPECT_EQ(sealer.seal(context, Kind::body, {}, out), SealOutcome::ok);
  EXPECT_EQ(sealer.records(), 2u);
}

TEST(Sealer, WantsASchemaWhenThePolicyDoes) {
  World w;
  PolicySpec spec = w.made.policy.spec();
  spec.schema_required = true;
  KeyRing ring;
  ASSERT_TRUE(ring.add_policy(Policy::create(spec).value()));
  ASSERT_TRUE(ring.set_producer_key("pay-v1", w.made.producer.clone()));
  ASSERT_TRUE(ring.set_reader_key("pay-v1", w.made.reader.clone()));
  SealerOptions options{.topic = "payments", .policy_id = "pay-v1", .schema_reference = {}};
  EXPECT_EQ(Sealer::create(options, ring, crypto::system_random(), kNowMs).error().code(),
            ErrorCode::failed_precondition);
  options.schema_reference = "reg:17";
  auto sealer = Sealer::create(options, ring, crypto::system_random(), kNowMs).value();
  auto grants = sealer->take_grants();
  auto opener = Opener::create({.topic = "payments", .policy_id = "pay-v1"}, ring).value();
  EXPECT_TRUE(opener->add_grant(grants[0].key, grants[0].value, kNowMs));
}

}  // namespace
}  // namespace penstock::seal
