// Sealer and Opener together: what one seals the other opens, and nothing else.
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "crypto/cose.h"
#include "seal/grant.h"
#include "seal/keyring.h"
#include "seal/limits.h"
#include "seal/opener.h"
#include "seal/sealer.h"
#include "seal/test_sealing.h"

namespace penstock::seal {
namespace {

using namespace test;  // NOLINT: builders

EpochNameBytes name_of(const GrantSpec& spec) {
  return to_bytes(EpochName{spec.context.producer, spec.epoch});
}

class Sealing : public testing::TestWithParam<crypto::AeadEngine> {};
INSTANTIATE_TEST_SUITE_P(BothEngines, Sealing,
                         testing::Values(crypto::AeadEngine::best, crypto::AeadEngine::libcrypto));

TEST_P(Sealing, RecordsOfEverySizeAndContextComeBack) {
  World w(GetParam());
  SequenceGuard guard;
  for (std::size_t size :
       {0, 1, 5, 6, 7, 22, 23, 24, 238, 239, 240, 255, 1000, 65'518, 65'520, 100'000}) {
    for (std::size_t key_size : {0, 1, 23, 24, 255, 256, 400, 70'000}) {
      std::string body(size, 'b'), key(key_size, 'k');
      for (std::int64_t time :
           {std::int64_t{0}, std::int64_t{-1}, std::int64_t{255}, INT64_MIN, INT64_MAX}) {
        ByteBuffer sealed = w.seal(key, time, body), out;
        ASSERT_EQ(w.opener->open(context_of(key, time), sealed, guard, out), OpenOutcome::ok);
        ASSERT_EQ(as_text(out), body);
        EXPECT_LE(sealed.size(), size + kSealedOverheadMax);
      }
    }
  }
}

TEST_P(Sealing, ABatchOpensContiguouslyWithItsRefusalsLeftOut) {
  World w(GetParam());
  SequenceGuard guard;
  std::vector<std::string> keys = {"a", "b", "c", "d", "e", "f", "g"};
  std::vector<ByteBuffer> values(keys.size());
  values[0] = w.seal("a", 0, R"({"x":1})");
  values[1] = w.seal("b", 1, "");
  ASSERT_EQ(w.sealer->seal_tombstone(context_of("c", 2), values[2]), SealOutcome::ok);
  values[3] = w.seal("other", 3, "moved to another key");
  ASSERT_EQ(w.sealer->seal_padded(context_of("e", 4), as_bytes("padded"), 64, values[4]),
            SealOutcome::ok);
  values[5] = {1, 2, 3};
  std::vector<Slice> key_slices, value_slices;
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    key_slices.push_back(Slice::of(as_bytes(keys[i])));
    value_slices.push_back(i == 6 ? Slice{} : Slice::of(values[i]));
    times.push_back(static_cast<std::int64_t>(i));
  }
  OpenedBatch batch;
  for (int round = 0; round < 2; ++round) {  // the second time all is a replay
    w.opener->open_batch({key_slices, value_slices, times, kPartition}, guard, batch);
    ASSERT_EQ(batch.rows().size(), 7u);
    OpenOutcome ok = round == 0 ? OpenOutcome::ok : OpenOutcome::replayed;
    OpenOutcome gone = round == 0 ? OpenOutcome::tombstone : OpenOutcome::replayed;
    std::vector<OpenOutcome> expected = {ok,
                                         ok,
                                         gone,
                                         OpenOutcome::not_authentic,
                                         ok,
                                         OpenOutcome::malformed,
                                         OpenOutcome::bare_null};
    for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(batch.rows()[i].outcome, expected[i]) << i;
    EXPECT_EQ(as_text(batch.text()), round == 0 ? "\n{\"x\":1}\n\npadded\n" : "\n");
    for (std::size_t i = 0; i < kOpenPadding; ++i)
      EXPECT_EQ(batch.text().data()[batch.text().size() + i], 0);
    EXPECT_EQ(batch.refused(), round == 0 ? 3u : 7u);
    if (round == 0) {
      EXPECT_EQ(as_text(batch.bytes_of(4)), "padded");
    }
  }
}

TEST(Opener, RefusesWhatWasMovedToAnotherKeyTimeOrTopic) {
  World w;
  SequenceGuard guard;
  ByteBuffer sealed = w.seal("k", 7, "body"), out;
  RecordContext no_key = context_of("k", 7);
  no_key.key = {};
  RecordContext no_time = context_of("k", 7);
  no_time.timestamp_ms.reset();
  RecordContext with_path = context_of("k", 7);
  with_path.path = "";
  for (const auto& context :
       {context_of("K", 7), context_of("", 7), context_of("k", 8), no_key, no_time, with_path})
    EXPECT_EQ(w.opener->open(context, sealed, guard, out), OpenOutcome::not_authentic);
  EXPECT_TRUE(out.empty());
  auto review = Opener::create({.topic = "review", .policy_id = "pay-v1"}, w.keys).value();
  auto moved = review->add_grant(w.grants[0].key, w.grants[0].value, kNowMs);
  EXPECT_EQ(moved.error().code(), ErrorCode::failed_precondition);
  EXPECT_EQ(review->open(context_of("k", 7), sealed, guard, out), OpenOutcome::unknown_epoch);
  EXPECT_EQ(w.opener->open(context_of("k", 7), sealed, guard, out), OpenOutcome::ok);
}

TEST(Opener, FindsRecordsPlayedAgainButNotInAnyOrder) {
  World w;
  SequenceGuard guard;
  ByteBuffer first = w.seal("k", 1, "1"), second = w.seal("k", 2, "2"), out;
  EXPECT_EQ(w.opener->open(context_of("k", 2), second, guard, out), OpenOutcome::ok);
  EXPECT_EQ(w.opener->open(context_of("k", 1), first, guard, out), OpenOutcome::replayed);
  EXPECT_EQ(w.opener->open(context_of("k", 2), second, guard, out), OpenOutcome::replayed);
  EXPECT_EQ(as_text(out), "2");
  EXPECT_EQ(w.opener->open_in_any_order(context_of("k", 1), first, out), OpenOutcome::ok);
}

TEST(Opener, AForgedRecordDoesNotMoveTheGuard) {
  World w;
  SequenceGuard guard;
  ByteBuffer sealed = w.seal("k", 1, "1"), forged = sealed, out;
  forged[21] = 0xff;  // sequence
  EXPECT_EQ(w.opener->open(context_of("k", 1), forged, guard, out), OpenOutcome::not_authentic);
  EXPECT_EQ(w.opener->open(context_of("k", 1), sealed, guard, out), OpenOutcome::ok);
}

TEST(Opener, OpensNoRecordThatIsTruncatedOrHasAnyBitFlipped) {
  World w;
  ByteBuffer sealed = w.seal("k", 1, "a small record"), out;
  for (std::size_t size = 0; size < sealed.size(); ++size)
    EXPECT_FALSE(is_opened(
        w.opener->open_in_any_order(context_of("k", 1), ByteView(sealed).first(size), out)));
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    ByteBuffer changed = sealed;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    EXPECT_FALSE(is_opened(w.opener->open_in_any_order(context_of("k", 1), changed, out))) << bit;
  }
  EXPECT_TRUE(out.empty());
}

// A source of grants whose newer ones come when they are asked for.
class LateGrants final : public GrantSource {
 public:
  explicit LateGrants(std::vector<ByteBuffer> grants) : grants_(std::move(grants)) {}
  Result<ByteBuffer> fetch(GrantPlace place) override {
    if (broken) return fail(ErrorCode::unavailable, "the log is away");
    return grants_.at(static_cast<std::size_t>(place.offset));
  }
  Result<> catch_up(std::chrono::steady_clock::time_point) override {
    ++times;
    return adds();
  }
  std::function<Result<>()> adds;
  int times = 0;
  bool broken = false;

 private:
  std::vector<ByteBuffer> grants_;
};

TEST(Opener, TakesNoGrantThatIsTruncatedOrHasAnyBitFlipped) {
  World w;
  auto opener = w.new_opener();
  const EpochGrant& grant = w.grants[0];
  for (std::size_t size = 0; size < grant.value.size(); ++size)
    EXPECT_FALSE(opener->add_grant(grant.key, ByteView(grant.value).first(size), kNowMs));
  for (std::size_t bit = 0; bit < 8 * grant.value.size(); ++bit) {
    ByteBuffer changed = grant.value;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    EXPECT_FALSE(opener->add_grant(grant.key, changed, kNowMs)) << bit;
  }
  EXPECT_EQ(opener->epochs().figures().grants, 0u);
  EXPECT_TRUE(opener->add_grant(grant.key, grant.value, kNowMs));
  EXPECT_TRUE(opener->add_grant(grant.key, grant.value, kNowMs));
  EXPECT_EQ(opener->epochs().figures().grants, 1u);
}

TEST(Opener, RefusesAGrantUnderAnotherKeyThanItsEpoch) {
  World w;
  EpochNameBytes other = w.grants[0].key;
  other[kEpochNameBytes - 1] ^= 1;  // another producer
  EXPECT_EQ(w.new_opener()->add_grant(other, w.grants[0].value, kNowMs).error().code(),
            ErrorCode::permission_denied);
  other = w.grants[0].key;
  other[0] ^= 1;
  EXPECT_EQ(w.new_opener()->add_grant(other, w.grants[0].value, kNowMs).error().code(),
            ErrorCode::failed_precondition);
  EXPECT_FALSE(w.new_opener()->add_grant({}, w.grants[0].value, kNowMs));
  EXPECT_FALSE(w.new_opener()->add_grant(ByteView(w.grants[0].key).first(kEpochIdBytes),
                                         w.grants[0].value, kNowMs));
}

TEST(Opener, RefusesAGrantUnderAChangedPolicy) {
  World w;
  PolicySpec spec = w.made.policy.spec();
  spec.version = 2;
  KeyRing changed;
  ASSERT_TRUE(changed.add_policy(Policy::create(spec).value()));
  ASSERT_TRUE(changed.set_reader_key("pay-v1", w.made.reader.clone()));
  auto opener = Opener::create({.topic = "payments", .policy_id = "pay-v1"}, changed).value();
  auto added = opener->add_grant(w.grants[0].key, w.grants[0].value, kNowMs);
  EXPECT_EQ(added.error().code(), ErrorCode::failed_precondition);
  EXPECT_NE(added.error().text().find("another version of policy"), std::string::npos);
}

TEST(Opener, RefusesAProducerThatThePolicyDoesNotName) {
  World w;
  auto stranger = crypto::P256PrivateKey::generate(crypto::system_random()).value();
  GrantSpec spec{.epoch = EpochId(1),
                 .context = {.topic = "payments",
                             .schema_reference = {},
                             .producer = stranger.public_key().thumbprint(),
                             .policy_id = "pay-v1",
                             .policy_digest = w.made.policy.digest()},
                 .not_after_s = kNotAfterS,
                 .records_max = 10};
  ByteBuffer secret(32, 7);
  auto grant = make_grant(spec, secret, w.made.policy, stranger, crypto::system_random()).value();
  EXPECT_EQ(w.opener->add_grant(name_of(spec), grant, kNowMs).error().code(),
            ErrorCode::permission_denied);
  // Named producer, but the context claims the stranger: refused too.
  grant = make_grant(spec, secret, w.made.policy, w.made.producer, crypto::system_random()).value();
  EpochName claimed{w.made.producer.public_key().thumbprint(), spec.epoch};
  EXPECT_EQ(w.opener->add_grant(to_bytes(claimed), grant, kNowMs).error().code(),
            ErrorCode::not_authentic);
  spec.context.producer = w.made.producer.public_key().thumbprint();
  grant = make_grant(spec, secret, w.made.policy, w.made.producer, crypto::system_random()).value();
  EXPECT_TRUE(w.opener->add_grant(name_of(spec), grant, kNowMs));
  // Another secret for a known epoch.
  secret[0] = 8;
  grant = make_grant(spec, secret, w.made.policy, w.made.producer, crypto::system_random()).value();
  EXPECT_EQ(w.opener->add_grant(name_of(spec), grant, kNowMs).error().code(),
            ErrorCode::already_exists);
}

TEST(Opener, RefusesAGrantWhoseCommitmentDoesNotMatch) {
  World w;
  // A well-signed, well-encrypted grant whose commit is not that of its secret.
  crypto::CoseSign1 good = crypto::parse_sign1(w.grants[0].value).value();
  SecretBuffer content = crypto::decrypt_with(good.payload, w.made.reader).value();
  constexpr std::size_t kCommitAt = 1 + 1 + 9 + 1 + 34 + 1 + 2;
  content.span()[kCommitAt] ^= 1;
  ByteBuffer payload =
      crypto::encrypt_for(content.view(), w.made.policy.readers(), crypto::system_random()).value();
  ByteBuffer bad = crypto::sign1(good.protected_header, payload, {}, w.made.producer).value();
  auto added = w.new_opener()->add_grant(w.grants[0].key, bad, kNowMs);
  EXPECT_EQ(added.error().code(), ErrorCode::not_authentic);
  EXPECT_NE(added.error().text().find("commitment"), std::string::npos);
}

TEST(Opener, EndsWithTheGrantsNotAfter) {
  World w;
  std::int64_t last_ms = kNotAfterS * 1000 + 999;
  EXPECT_TRUE(w.new_opener()->add_grant(w.grants[0].key, w.grants[0].value, last_ms));
  EXPECT_EQ(
      w.new_opener()->add_grant(w.grants[0].key, w.grants[0].value, last_ms + 1).error().code(),
      ErrorCode::failed_precondition);
  ByteBuffer sealed = w.seal("k", 1, "late"), out;
  w.opener->set_time(last_ms);
  EXPECT_EQ(w.opener->open_in_any_order(context_of("k", 1), sealed, out), OpenOutcome::ok);
  w.opener->set_time(last_ms + 1);
  EXPECT_EQ(w.opener->open_in_any_order(context_of("k", 1), sealed, out),
            OpenOutcome::unknown_epoch);
}

TEST(Opener, KnowsNoSequenceBeyondTheGrantsRecords) {
  World w;
  GrantSpec spec{.epoch = EpochId(5),
                 .context = {.topic = "payments",
                             .schema_reference = {},
                             .producer = w.made.producer.public_key().thumbprint(),
                             .policy_id = "pay-v1",
                             .policy_digest = w.made.policy.digest()},
                 .not_after_s = kNotAfterS,
                 .records_max = 1};
  ByteBuffer secret(32, 7), out;
  auto grant =
      make_grant(spec, secret, w.made.policy, w.made.producer, crypto::system_random()).value();
  ASSERT_TRUE(w.opener->add_grant(name_of(spec), grant, kNowMs));
  EpochSealer sealer(spec.epoch,
                     EpochKeys::derive(secret, spec.epoch, encode_context(spec.context)).value(),
                     crypto::AeadEngine::best);
  ByteBuffer first, second;
  ASSERT_EQ(sealer.seal(context_of("k", 1), Kind::body, as_bytes("x"), first), SealOutcome::ok);
  ASSERT_EQ(sealer.seal(context_of("k", 1), Kind::body, as_bytes("x"), second), SealOutcome::ok);
  EXPECT_EQ(w.opener->open_in_any_order(context_of("k", 1), first, out), OpenOutcome::ok);
  EXPECT_EQ(w.opener->open_in_any_order(context_of("k", 1), second, out),
            OpenOutcome::unknown_epoch);
}

TEST(Opener, EachOfTwoReadersOpensAndAThirdDoesNot) {
  World w;
  auto second = crypto::P256PrivateKey::generate(crypto::system_random()).value();
  auto third = crypto::P256PrivateKey::generate(crypto::system_random()).value();
  PolicySpec spec = w.made.policy.spec();
  spec.readers.push_back(second.public_key());
  Policy policy = Policy::create(spec).value();
  auto ring_with = [&](const crypto::P256PrivateKey& reader) {
    KeyRing ring;
    EXPECT_TRUE(ring.add_policy(policy));
    EXPECT_TRUE(ring.set_reader_key("pay-v1", reader.clone()));
    EXPECT_TRUE(ring.set_producer_key("pay-v1", w.made.producer.clone()));
    return ring;
  };
  KeyRing first_ring = ring_with(w.made.reader), second_ring = ring_with(second);
  auto sealer = Sealer::create({.topic = "payments", .policy_id = "pay-v1", .schema_reference = {}},
                               first_ring, crypto::system_random(), kNowMs)
                    .value();
  auto grants = sealer->take_grants();
  ByteBuffer sealed;
  ASSERT_EQ(sealer->seal(kWithoutKey, as_bytes("for both"), sealed), SealOutcome::ok);
  for (const KeyRing* ring : {&first_ring, &second_ring}) {
    auto opener = Opener::create({.topic = "payments", .policy_id = "pay-v1"}, *ring).value();
    ASSERT_TRUE(opener->add_grant(grants[0].key, grants[0].value, kNowMs));
    ByteBuffer out;
    EXPECT_EQ(opener->open_in_any_order(kWithoutKey, sealed, out), OpenOutcome::ok);
    EXPECT_EQ(as_text(out), "for both");
  }
  class OneProducer final : public ProducerKeys {
   public:
    explicit OneProducer(const Policy& p) : policy_(p) {}
    const crypto::P256PublicKey* find(ByteView t) const override { return policy_.producer(t); }

   private:
    const Policy& policy_;
  };
  GrantExpectation expected{.topic = "payments",
                            .policy_id = "pay-v1",
                            .policy_digest = policy.digest(),
                            .schema_required = false,
                            .now_s = kNowMs / 1000};
  EXPECT_EQ(open_grant(grants[0].value, OneProducer(policy), third, expected).error().code(),
            ErrorCode::permission_denied);
}

TEST(Opener, NeedsAPolicyThatCoversItsTopicAndAReaderKey) {
  World w;
  EXPECT_EQ(Opener::create({.topic = "other", .policy_id = "pay-v1"}, w.keys).error().code(),
            ErrorCode::permission_denied);
  EXPECT_EQ(Opener::create({.topic = "payments", .policy_id = "nope"}, w.keys).error().code(),
            ErrorCode::not_found);
  KeyRing producers_only;
  ASSERT_TRUE(producers_only.add_policy(w.made.policy));
  EXPECT_EQ(
      Opener::create({.topic = "payments", .policy_id = "pay-v1"}, producers_only).error().code(),
      ErrorCode::permission_denied);
  EXPECT_EQ(Sealer::create({.topic = "payments", .policy_id = "pay-v1", .schema_reference = {}},
                           producers_only, crypto::system_random(), kNowMs)
                .error()
                .code(),
            ErrorCode::permission_denied);
}

TEST(Opener, OpensFieldsInJsonTextOnlyUnderTheirPath) {
  World w;
  RecordContext context = context_of("k", 1);
  context.path = "card";
  context.partition.reset();
  std::string text;
  ByteBuffer cbor = from_hex("7034313131313131313131313131313131").value(), out;
  ASSERT_EQ(w.sealer->seal_field(context, cbor, text), SealOutcome::ok);
  EXPECT_TRUE(text.starts_with("ps1:0INT"));
  EXPECT_EQ(w.opener->open_field(context, text, out), OpenOutcome::ok);
  EXPECT_EQ(out, cbor);
  out.clear();
  context.path = "name";
  EXPECT_EQ(w.opener->open_field(context, text, out), OpenOutcome::not_authentic);
  EXPECT_EQ(w.opener->open_field(context, "ps1:!", out), OpenOutcome::malformed);
  EXPECT_EQ(w.opener->open_field(context, "psx:", out), OpenOutcome::malformed);
  // A whole record is no field and a field no record, even with the same context.
  ByteBuffer record = from_base64url(text.substr(4)).value();
  EXPECT_EQ(w.opener->open_in_any_order(context_of("k", 1), record, out),
            OpenOutcome::not_authentic);
  EXPECT_TRUE(out.empty());
}

TEST(Opener, RefusesBrokenPaddingTombstonesWithBodiesAndUnknownKinds) {
  World w;
  GrantSpec spec{.epoch = EpochId(9),
                 .context = {.topic = "payments",
                             .schema_reference = {},
                             .producer = w.made.producer.public_key().thumbprint(),
                             .policy_id = "pay-v1",
                             .policy_digest = w.made.policy.digest()},
                 .not_after_s = kNotAfterS,
                 .records_max = kEpochRecordsMax};
  ByteBuffer secret(32, 7), out;
  auto grant =
      make_grant(spec, secret, w.made.policy, w.made.producer, crypto::system_random()).value();
  ASSERT_TRUE(w.opener->add_grant(name_of(spec), grant, kNowMs));
  EpochSealer sealer(spec.epoch,
                     EpochKeys::derive(secret, spec.epoch, encode_context(spec.context)).value(),
                     crypto::AeadEngine::best);
  auto outcome = [&](int kind, std::string_view body) {
    ByteBuffer sealed;
    EXPECT_EQ(sealer.seal(context_of("k", 1), static_cast<Kind>(kind), as_bytes(body), sealed),
              SealOutcome::ok);
    return w.opener->open_in_any_order(context_of("k", 1), sealed, out);
  };
  EXPECT_EQ(outcome(2, ""), OpenOutcome::bad_padding);
  EXPECT_EQ(outcome(2, std::string_view("a\0\0", 3)), OpenOutcome::bad_padding);
  EXPECT_EQ(outcome(3, "field without a path"), OpenOutcome::unknown_kind);
  EXPECT_EQ(outcome(4, "later kind"), OpenOutcome::unknown_kind);
  EXPECT_EQ(outcome(255, ""), OpenOutcome::unknown_kind);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(outcome(2, std::string_view("a\x80\0\0", 4)), OpenOutcome::ok);
  EXPECT_EQ(as_text(out), "a");
}

TEST(Opener, RefusesWhatWasCopiedToAnotherPartition) {
  World w;
  SequenceGuard guard;
  ByteBuffer sealed = w.seal("k", 7, "body"), out;
  for (std::optional<std::int32_t> other :
       {std::optional(kPartition - 1), std::optional(INT32_MAX), std::optional<std::int32_t>()}) {
    RecordContext moved = context_of("k", 7);
    moved.partition = other;
    EXPECT_EQ(w.opener->open(moved, sealed, guard, out), OpenOutcome::not_authentic);
  }
  EXPECT_EQ(w.opener->open(context_of("k", 7), sealed, guard, out), OpenOutcome::ok);
}

TEST(Opener, WhatIsAuthenticButNotTakenLeavesNoGap) {
  World w;
  SequenceGuard guard;
  GrantSpec spec{.epoch = EpochId(9),
                 .context = {.topic = "payments",
                             .schema_reference = {},
                             .producer = w.made.producer.public_key().thumbprint(),
                             .policy_id = "pay-v1",
                             .policy_digest = w.made.policy.digest()},
                 .not_after_s = kNotAfterS,
                 .records_max = kEpochRecordsMax};
  ByteBuffer secret(32, 7), out;
  auto grant =
      make_grant(spec, secret, w.made.policy, w.made.producer, crypto::system_random()).value();
  ASSERT_TRUE(w.opener->add_grant(name_of(spec), grant, kNowMs));
  EpochSealer sealer(spec.epoch,
                     EpochKeys::derive(secret, spec.epoch, encode_context(spec.context)).value(),
                     crypto::AeadEngine::best);
  ByteBuffer first, unknown, last;
  ASSERT_EQ(sealer.seal(context_of("k", 1), Kind::body, {}, first), SealOutcome::ok);
  ASSERT_EQ(sealer.seal(context_of("k", 1), static_cast<Kind>(9), {}, unknown), SealOutcome::ok);
  ASSERT_EQ(sealer.seal(context_of("k", 1), Kind::body, {}, last), SealOutcome::ok);
  auto open = [&](const ByteBuffer& sealed) {
    return w.opener->open(context_of("k", 1), sealed, guard, out);
  };
  EXPECT_EQ(open(first), OpenOutcome::ok);
  EXPECT_EQ(open(unknown), OpenOutcome::unknown_kind);
  EXPECT_EQ(open(unknown), OpenOutcome::replayed);
  EXPECT_EQ(open(last), OpenOutcome::ok);
  EXPECT_TRUE(guard.take_gaps().empty());
}

// Two producers that the policy names; the second takes ids that the first has chosen.
struct TwoProducers {
  MadePolicy made = make_policy({.id = "pay-v1",
                                 .topics = {"payments"},
                                 .schema_required = false,
                                 .not_after_s = kNotAfterS},
                                crypto::system_random())
                        .value();
  crypto::P256PrivateKey other = crypto::P256PrivateKey::generate(crypto::system_random()).value();
  Policy policy = both();
  KeyRing keys;
  std::unique_ptr<Opener> opener;

  TwoProducers() {
    EXPECT_TRUE(keys.add_policy(policy));
    EXPECT_TRUE(keys.set_reader_key("pay-v1", made.reader.clone()));
    opener = Opener::create({.topic = "payments", .policy_id = "pay-v1"}, keys).value();
  }
  Policy both() const {
    PolicySpec spec = made.policy.spec();
    spec.producers.push_back(other.public_key());
    return Policy::create(spec).value();
  }
  struct Made {
    EpochNameBytes key;
    ByteBuffer grant;
    EpochSealer sealer;
  };
  Made epoch(const crypto::P256PrivateKey& producer, std::uint8_t secret_byte) const {
    GrantSpec spec{.epoch = EpochId(77),
                   .context = {.topic = "payments",
                               .schema_reference = {},
                               .producer = producer.public_key().thumbprint(),
                               .policy_id = "pay-v1",
                               .policy_digest = policy.digest()},
                   .not_after_s = kNotAfterS,
                   .records_max = kEpochRecordsMax};
    ByteBuffer secret(32, secret_byte);
    return {name_of(spec),
            make_grant(spec, secret, policy, producer, crypto::system_random()).value(),
            EpochSealer(spec.epoch,
                        EpochKeys::derive(secret, spec.epoch, encode_context(spec.context)).value(),
                        crypto::AeadEngine::best)};
  }
};

TEST(Opener, ARecordBelongsToTheProducerUnderWhoseGrantItOpens) {
  TwoProducers w;
  TwoProducers::Made victim = w.epoch(w.made.producer, 1), thief = w.epoch(w.other, 2);
  EXPECT_NE(victim.key, thief.key);  // compaction keeps both grants
  std::vector<ByteBuffer> sealed(4);
  for (std::size_t i = 0; i < sealed.size(); ++i)
    ASSERT_EQ(
        (i % 2 == 0 ? victim : thief)
            .sealer.seal(kWithoutKey, Kind::body, as_bytes(i % 2 == 0 ? "v" : "t"), sealed[i]),
        SealOutcome::ok);
  // The thief's grant comes first; until the victim's is there its records do not open.
  LateGrants late({thief.grant, victim.grant});
  std::shared_ptr<EpochStore> epochs =
      EpochStore::create({.topic = "payments", .policy_id = "pay-v1"}, w.keys, late).value();
  ASSERT_TRUE(epochs->add(thief.key, {0, 0}));
  late.adds = [&] { return epochs->add(victim.key, {0, 1}); };
  auto opener = Opener::create(epochs, kNowMs).value();
  std::vector<Slice> keys(4), values;
  for (const ByteBuffer& value : sealed) values.push_back(Slice::of(value));
  std::vector<std::int64_t> times(4, 1);
  Opener::Batch records{keys, values, times, kPartition};
  SequenceGuard guard;
  OpenedBatch batch;
  opener->open_batch(records, guard, batch);
  EXPECT_EQ(batch.refused(), 2u);
  EXPECT_EQ(batch.rows()[0].outcome, OpenOutcome::not_authentic);
  EXPECT_EQ(late.times, 0);  // nothing says that there may be more
  guard = SequenceGuard();
  opener->fetched_at(std::chrono::steady_clock::now());
  opener->open_batch(records, guard, batch);
  EXPECT_EQ(late.times, 1);
  EXPECT_EQ(batch.refused(), 0u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(batch.rows()[i].outcome, OpenOutcome::ok);
    EXPECT_EQ(as_text(batch.bytes_of(i)), i % 2 == 0 ? "v" : "t");
  }
  EXPECT_EQ(guard.size(), 2u);
  EXPECT_EQ(guard.totals(), GapTotals{});
  opener->open_batch(records, guard, batch);
  for (const Opened& row : batch.rows()) EXPECT_EQ(row.outcome, OpenOutcome::replayed);
}

TEST(Opener, SaysWhenTheReaderMustStop) {
  World w;
  LateGrants late({w.grants[0].value});
  std::shared_ptr<EpochStore> epochs =
      EpochStore::create({.topic = "payments", .policy_id = "pay-v1"}, w.keys, late).value();
  late.adds = [] { return fail(ErrorCode::limit_exceeded, "too many grants"); };
  auto opener = Opener::create(epochs, kNowMs).value();
  ByteBuffer sealed = w.seal("k", 1, "body"), out;
  auto open = [&] { return opener->open_in_any_order(context_of("k", 1), sealed, out); };
  EXPECT_EQ(open(), OpenOutcome::unknown_epoch);
  opener->fetched_at(std::chrono::steady_clock::now());
  EXPECT_EQ(open(), OpenOutcome::no_keys);
  ASSERT_TRUE(opener->trouble());
  EXPECT_EQ(opener->trouble()->code(), ErrorCode::limit_exceeded);
  EXPECT_TRUE(out.empty());
  late.adds = [&] { return epochs->add(w.grants[0].key, {0, 0}); };
  late.broken = true;
  opener->fetched_at(std::chrono::steady_clock::now());
  EXPECT_EQ(open(), OpenOutcome::no_keys);
  EXPECT_EQ(opener->trouble()->code(), ErrorCode::unavailable);
  late.broken = false;
  EXPECT_EQ(open(), OpenOutcome::ok);
}

// More epochs at once than an opener or its store holds on to.
TEST(Opener, GoesBackAndForthBetweenManyEpochs) {
  World w;
  constexpr std::size_t kEpochs = 60;
  std::vector<std::unique_ptr<Sealer>> sealers;
  std::vector<ByteBuffer> grants;
  std::vector<EpochNameBytes> names;
  for (std::size_t i = 0; i < kEpochs; ++i) {
    sealers.push_back(
        Sealer::create(
            {.topic = "payments", .policy_id = "pay-v1", .schema_reference = std::nullopt}, w.keys,
            crypto::system_random(), kNowMs)
            .value());
    for (EpochGrant& grant : sealers.back()->take_grants()) {
      grants.push_back(grant.value);
      names.push_back(grant.key);
    }
  }
  LateGrants source(grants);
  std::shared_ptr<EpochStore> epochs =
      EpochStore::create({.topic = "payments", .policy_id = "pay-v1", .ciphers_max = 2}, w.keys,
                         source)
          .value();
  for (std::size_t i = 0; i < kEpochs; ++i)
    ASSERT_TRUE(epochs->add(names[i], {0, static_cast<std::int64_t>(i)}));
  auto opener = Opener::create(epochs, kNowMs).value();
  std::vector<ByteBuffer> sealed(4 * kEpochs);
  std::vector<Slice> keys(sealed.size()), values;
  std::vector<std::int64_t> times(sealed.size(), 1);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string body = "body " + std::to_string(i);
    ASSERT_EQ(sealers[i % kEpochs]->seal(kWithoutKey, as_bytes(body), sealed[i]), SealOutcome::ok);
    values.push_back(Slice::of(sealed[i]));
  }
  SequenceGuard guard;
  OpenedBatch batch;
  opener->open_batch(Opener::Batch{keys, values, times, kPartition}, guard, batch);
  EXPECT_EQ(batch.refused(), 0u);
  for (std::size_t i = 0; i < sealed.size(); ++i)
    EXPECT_EQ(as_text(batch.bytes_of(i)), "body " + std::to_string(i));
  EXPECT_EQ(guard.size(), kEpochs);
}

// Runs of epochs, damage and replays in every order: what a batch keeps from row to row must not
// show.
TEST(Opener, JudgesABatchsRowsAsItJudgesRecordsAlone) {
  World w;
  std::mt19937 random(11);
  const auto below = [&](std::size_t n) { return random() % n; };
  std::vector<std::unique_ptr<Sealer>> sealers;
  std::unique_ptr<Opener> alone = w.new_opener();
  ASSERT_TRUE(alone->add_grant(w.grants[0].key, w.grants[0].value, kNowMs));
  for (int i = 0; i < 4; ++i) {
    sealers.push_back(w.new_sealer());
    for (const EpochGrant& grant : sealers.back()->take_grants()) {
      if (i == 3) continue;  // nobody knows its epoch
      ASSERT_TRUE(w.opener->add_grant(grant.key, grant.value, kNowMs));
      ASSERT_TRUE(alone->add_grant(grant.key, grant.value, kNowMs));
    }
  }
  const std::vector<std::string> key_texts = {"", "abc", "four", "eleven more",
                                              std::string(40, 'k')};
  std::vector<std::pair<RecordContext, ByteBuffer>> all;
  SequenceGuard batch_guard, alone_guard;
  OpenedBatch batch;
  std::set<OpenOutcome> seen;
  std::size_t sealer = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<Slice> keys, values;
    std::vector<std::int64_t> times;
    std::vector<std::size_t> records;
    for (std::size_t i = 0, rows = below(30); i < rows; ++i) {
      if (below(6) == 0) sealer = below(sealers.size());
      RecordContext context = context_of(key_texts[below(key_texts.size())], kNowMs + round);
      if (below(10) == 0) context.key = {};
      ByteBuffer sealed;
      if (below(12) == 0)
        ASSERT_EQ(sealers[sealer]->seal_tombstone(context, sealed), SealOutcome::ok);
      else if (below(12) == 0)
        ASSERT_EQ(sealers[sealer]->seal_padded(context, as_bytes("padded"), 32, sealed),
                  SealOutcome::ok);
      else
        ASSERT_EQ(sealers[sealer]->seal(context, as_bytes(std::string(below(300), 'b')), sealed),
                  SealOutcome::ok);
      if (below(12) == 0) sealed[below(sealed.size())] ^= 1;
      all.emplace_back(context, std::move(sealed));
      records.push_back(below(10) == 0 ? below(all.size()) : all.size() - 1);
    }
    for (const std::size_t record : records) {
      keys.push_back(all[record].first.key);
      values.push_back(Slice::of(all[record].second));
      times.push_back(*all[record].first.timestamp_ms);
    }
    w.opener->open_batch({keys, values, times, kPartition}, batch_guard, batch);
    ASSERT_EQ(batch.rows().size(), records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      ByteBuffer body;
      const OpenOutcome outcome =
          alone->open(all[records[i]].first, all[records[i]].second, alone_guard, body);
      ASSERT_EQ(batch.rows()[i].outcome, outcome) << round << " " << i;
      if (outcome == OpenOutcome::ok) {
        ASSERT_EQ(to_buffer(batch.bytes_of(i)), body);
      }
      seen.insert(outcome);
    }
    EXPECT_EQ(batch_guard.totals(), alone_guard.totals());
  }
  for (const OpenOutcome outcome :
       {OpenOutcome::ok, OpenOutcome::tombstone, OpenOutcome::malformed, OpenOutcome::replayed,
        OpenOutcome::unknown_epoch, OpenOutcome::not_authentic})
    EXPECT_TRUE(seen.contains(outcome)) << reason_code(outcome);
}

TEST(Opener, ReasonCodesAreDistinctAndStable) {
  std::set<std::string_view> codes;
  for (std::size_t i = 0; i < kOpenOutcomes; ++i) {
    codes.insert(reason_code(static_cast<OpenOutcome>(i)));
    EXPECT_FALSE(explain(static_cast<OpenOutcome>(i)).empty());
  }
  EXPECT_EQ(codes.size(), kOpenOutcomes);
  EXPECT_EQ(reason_code(OpenOutcome::replayed), "sealed_replayed");
}

}  // namespace
}  // namespace penstock::seal
