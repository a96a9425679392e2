#include "engine/state_key.h"

#include <array>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "crypto/hkdf.h"
#include "crypto/hmac.h"
#include "crypto/sha.h"
#include "seal/keyring.h"
#include "topics/checkpoint.h"

namespace penstock::engine {
namespace {

using Key = std::shared_ptr<const topics::StateKey>;

Key key_of(std::uint8_t seed) {
  const ByteBuffer secret(kStateKeyBytes, seed);
  return ServiceStateKey::create(secret).value();
}

ByteBuffer derived(std::uint8_t seed, std::string_view use) {
  const ByteBuffer secret(kStateKeyBytes, seed);
  const SecretBuffer key =
      crypto::hkdf_sha256(
          {.key_material = secret, .salt = as_bytes("penstock state key 1"), .info = as_bytes(use)},
          kStateKeyBytes)
          .value();
  return to_buffer(key.view());
}

// SHA-256(key || 32 zeros || both lengths in LEB128 || both).
topics::Digest prf_by_hand(ByteView key, ByteView first, ByteView second) {
  ByteBuffer whole = to_buffer(key);
  whole.resize(64);
  for (std::size_t length : {first.size(), second.size()}) {
    for (; length >= 0x80; length >>= 7) whole.push_back(static_cast<std::uint8_t>(length | 0x80));
    whole.push_back(static_cast<std::uint8_t>(length));
  }
  whole.insert(whole.end(), first.begin(), first.end());
  whole.insert(whole.end(), second.begin(), second.end());
  return crypto::sha256(whole);
}

// What a state key computes is a format: stored MACs must verify for ever.
TEST(StateKey, ComputesWhatItSays) {
  const topics::Digest label_key = prf_by_hand(derived(7, "prf"), as_bytes("a label"), {});
  const auto prf = key_of(7)->prf(as_bytes("a label"));
  for (std::size_t size = 0; size < 300; ++size) {
    const ByteBuffer message(size, 'm'), other(size / 3, 'o');
    EXPECT_EQ(key_of(7)->mac(message), crypto::hmac_sha256(derived(7, "mac"), message)) << size;
    EXPECT_EQ((*prf)(message, {}), prf_by_hand(label_key, message, {})) << size;
    EXPECT_EQ((*prf)(message, other), prf_by_hand(label_key, message, other)) << size;
    EXPECT_EQ(key_of(7)->hash(message), crypto::sha256(message)) << size;
  }
}

TEST(StateKey, PrfTellsWhereTheFirstPartEnds) {
  const auto prf = key_of(1)->prf(as_bytes("l"));
  std::set<topics::Digest> seen;
  const std::string_view text = "abcd";
  for (std::size_t end = 0; end <= text.size(); ++end)
    seen.insert((*prf)(as_bytes(text.substr(0, end)), as_bytes(text.substr(end))));
  EXPECT_EQ(seen.size(), text.size() + 1);
}

TEST(StateKey, KeysAndUsesDiffer) {
  std::set<topics::Digest> seen;
  const ByteView message = as_bytes("the same");
  for (const Key& key : {key_of(1), key_of(2), public_state_key()}) {
    seen.insert(key->mac(message));
    seen.insert((*key->prf(as_bytes("one")))(message, {}));
    seen.insert((*key->prf(as_bytes("two")))(message, {}));
  }
  EXPECT_EQ(seen.size(), 9u);
  EXPECT_EQ(key_of(1)->hash(message), key_of(2)->hash(message));
}

TEST(StateKey, OnlyTheConstantIsPublic) {
  EXPECT_TRUE(public_state_key()->is_public());
  EXPECT_FALSE(key_of(0)->is_public());
  EXPECT_EQ(public_state_key(), public_state_key());
}

TEST(StateKey, ComesFromTheKeysOfAServer) {
  const topics::StateIdentity none = state_identity("pay", nullptr).value();
  EXPECT_EQ(none.service, "pay");
  EXPECT_TRUE(none.key->is_public());
  seal::KeyRing ring;
  EXPECT_EQ(state_identity("pay", &ring).error().code(), ErrorCode::failed_precondition);
  const ByteBuffer secret(kStateKeyBytes, 7);
  ASSERT_TRUE(ring.set_state_key(SecretBuffer::copy_of(secret)));
  const topics::StateIdentity ours = state_identity("pay", &ring).value();
  EXPECT_FALSE(ours.key->is_public());
  EXPECT_EQ(ours.key->mac(as_bytes("m")), key_of(7)->mac(as_bytes("m")));
}

TEST(StateKey, RefusesOtherLengths) {
  for (const std::size_t size : {0, 16, 31, 33}) {
    const ByteBuffer secret(size, 1);
    EXPECT_EQ(ServiceStateKey::create(secret).error().code(), ErrorCode::invalid_argument);
  }
}

TEST(StateKey, SealsCheckpoints) {
  const topics::StateIdentity ours{"default_", key_of(1)}, others{"default_", key_of(2)};
  topics::Checkpoint checkpoint{.task = topics::TaskId("Q.0/0"), .commit = 3};
  const topics::Digest state{1, 2, 3};
  const ByteBuffer stored = topics::seal_checkpoint(checkpoint, state, ours);
  EXPECT_TRUE(topics::verify_checkpoint(stored, checkpoint.task, state, ours));
  EXPECT_FALSE(topics::verify_checkpoint(stored, checkpoint.task, state, others));
  EXPECT_FALSE(topics::verify_checkpoint(stored, checkpoint.task, {9}, ours));
}

// Printed, not judged: run it alone, from an optimized build.
}  // namespace
}  // namespace penstock::engine
