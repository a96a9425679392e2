#include "cli/payload_sealer.h"

#include <gtest/gtest.h>

#include "cli/mqtt/payload_opener.h"
#include "seal/keyring.h"
#include "seal/payload.h"

namespace penstock::cli {
namespace {

using Taken = PayloadOpener::Got;
using std::chrono::seconds;

struct SealedLines {
  seal::KeyRing keys;
  std::int64_t now_ms = 1'785'000'000'000;
  std::chrono::steady_clock::time_point now{};
  std::vector<std::string> payloads;

  SealedLines() {
    const seal::MadePolicy made = seal::make_policy({.id = "plant-v1",
                                                     .topics = {"readings"},
                                                     .schema_required = false,
                                                     .not_after_s = 2 * now_ms / 1000},
                                                    crypto::system_random())
                                      .value();
    EXPECT_TRUE(keys.add_policy(made.policy));
    EXPECT_TRUE(keys.set_reader_key("plant-v1", made.reader.clone()));
    EXPECT_TRUE(keys.set_producer_key("plant-v1", made.producer.clone()));
  }
  PayloadSealer sealer(PayloadSealerOptions options) {
    return PayloadSealer(seal::Sealer::create({.topic = "readings",
                                               .policy_id = "plant-v1",
                                               .schema_reference = std::nullopt,
                                               .epoch_lifetime_s = 100},
                                              keys, crypto::system_random(), now_ms)
                             .value(),
                         std::move(options));
  }
  void seal(PayloadSealer& sealer, std::string_view body) {
    EXPECT_TRUE(sealer.seal(body, now_ms, now, [&](ByteView payload) -> Result<> {
      payloads.emplace_back(as_text(payload));
      return {};
    }));
  }
};

TEST(PayloadSealer, what_it_seals_opens_on_its_topic_alone) {
  SealedLines world;
  PayloadSealer sealer = world.sealer({.channel = "plant/1/raw"});
  world.seal(sealer, "a");
  world.seal(sealer, "b");
  ASSERT_EQ(world.payloads.size(), 3U);
  const auto opener = PayloadOpener::create("readings", world.keys).value();
  std::string_view body;
  EXPECT_EQ(opener->take("plant/1/raw", world.payloads[1], body), Taken::refused);
  EXPECT_EQ(opener->take("plant/1/raw", world.payloads[0], body), Taken::grant);
  EXPECT_EQ(opener->take("plant/2/raw", world.payloads[1], body), Taken::refused);
  EXPECT_EQ(opener->take("plant/1/raw", world.payloads[1], body), Taken::body);
  EXPECT_EQ(body, "a");
  EXPECT_EQ(opener->take("plant/1/raw", world.payloads[2], body), Taken::body);
  EXPECT_EQ(body, "b");
  EXPECT_EQ(opener->take("plant/1/raw", world.payloads[2], body), Taken::refused);
  EXPECT_EQ(opener->take("plant/1/raw", "21.5", body), Taken::refused);
}

TEST(PayloadSealer, the_grant_goes_out_again_when_it_is_due) {
  SealedLines world;
  PayloadSealer sealer = world.sealer({.channel = "t", .grant_every = seconds(60)});
  world.seal(sealer, "a");
  world.now += seconds(59);
  world.seal(sealer, "b");
  EXPECT_EQ(world.payloads.size(), 3U);
  world.now += seconds(1);
  world.seal(sealer, "c");
  ASSERT_EQ(world.payloads.size(), 5U);
  EXPECT_EQ(world.payloads[3], world.payloads[0]);
}

TEST(PayloadSealer, a_new_epoch_has_a_grant_of_its_own) {
  SealedLines world;
  PayloadSealer sealer = world.sealer({.channel = "t", .grant_every = seconds(0)});
  world.seal(sealer, "a");
  world.now += seconds(1000);
  world.seal(sealer, "b");
  EXPECT_EQ(world.payloads.size(), 3U);
  world.now_ms += 100'000;
  world.seal(sealer, "c");
  ASSERT_EQ(world.payloads.size(), 5U);
  EXPECT_NE(world.payloads[3], world.payloads[0]);
}

TEST(PayloadSealer, padding_hides_sizes) {
  SealedLines world;
  PayloadSealer sealer = world.sealer({.channel = "t", .pad_to = 64});
  world.seal(sealer, "1");
  world.seal(sealer, "123456789");
  EXPECT_EQ(world.payloads[1].size(), world.payloads[2].size());
  const auto opener = PayloadOpener::create("readings", world.keys).value();
  std::string_view body;
  EXPECT_EQ(opener->take("t", world.payloads[0], body), Taken::grant);
  EXPECT_EQ(opener->take("t", world.payloads[2], body), Taken::body);
  EXPECT_EQ(body, "123456789");
}

TEST(PayloadSealer, says_what_is_too_large) {
  SealedLines world;
  PayloadSealer sealer = world.sealer({.channel = "t"});
  const std::string large(4 << 20, 'x');
  const auto refused =
      sealer.seal(large, world.now_ms, world.now, [](ByteView) -> Result<> { return {}; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace penstock::cli
