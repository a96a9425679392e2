// For tests: a policy with its keys, a sealer, and an opener that knows the sealer's grant.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "seal/keyring.h"
#include "seal/opener.h"
#include "seal/sealer.h"

namespace penstock::seal::test {

inline constexpr std::int64_t kNowMs = 1'785'000'000'000;
inline constexpr std::int64_t kNotAfterS = kNowMs / 1000 + 1000;

inline constexpr std::int32_t kPartition = 3;

inline RecordContext context_of(std::string_view key, std::int64_t time) {
  return {.key = Slice::of(as_bytes(key)),
          .timestamp_ms = time,
          .path = std::nullopt,
          .partition = kPartition};
}
inline const RecordContext kWithoutKey = {
    .key = {}, .timestamp_ms = 1, .path = std::nullopt, .partition = kPartition};

struct World {
  MadePolicy made;
  KeyRing keys;
  std::unique_ptr<Sealer> sealer;
  std::unique_ptr<Opener> opener;
  std::vector<EpochGrant> grants;

  explicit World(crypto::AeadEngine engine = crypto::AeadEngine::best)
      : made(make_policy({.id = "pay-v1",
                          .topics = {"payments", "review"},
                          .schema_required = false,
                          .not_after_s = kNotAfterS},
                         crypto::system_random())
                 .value()) {
    EXPECT_TRUE(keys.add_policy(made.policy));
    EXPECT_TRUE(keys.set_reader_key("pay-v1", made.reader.clone()));
    EXPECT_TRUE(keys.set_producer_key("pay-v1", made.producer.clone()));
    sealer = new_sealer(engine);
    opener = new_opener(engine);
    grants = sealer->take_grants();
    EXPECT_TRUE(opener->add_grant(grants[0].key, grants[0].value, kNowMs));
  }
  std::unique_ptr<Sealer> new_sealer(crypto::AeadEngine engine = crypto::AeadEngine::best) {
    return Sealer::create({.topic = "payments",
                           .policy_id = "pay-v1",
                           .schema_reference = {},
                           .engine = engine},
                          keys, crypto::system_random(), kNowMs)
        .value();
  }
  std::unique_ptr<Opener> new_opener(crypto::AeadEngine engine = crypto::AeadEngine::best) {
    return Opener::create({.topic = "payments", .policy_id = "pay-v1", .engine = engine}, keys)
        .value();
  }
  ByteBuffer seal(std::string_view key, std::int64_t time, std::string_view body) {
    ByteBuffer out;
    EXPECT_EQ(sealer->seal(context_of(key, time), as_bytes(body), out), SealOutcome::ok);
    return out;
  }
};

}  // namespace penstock::seal::test
