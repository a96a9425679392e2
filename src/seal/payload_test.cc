#include "seal/payload.h"

#include <gtest/gtest.h>

#include "seal/grant.h"
#include "seal/keyring.h"
#include "seal/limits.h"
#include "seal/opener.h"
#include "seal/sealer.h"

namespace penstock::seal {
namespace {

constexpr std::int64_t kPayloadNowMs = 1'785'000'000'000;
constexpr std::string_view kChannel = "plant/1/temperature";

struct Device {
  KeyRing keys;
  std::unique_ptr<Sealer> sealer;
  std::unique_ptr<Opener> opener;
  PayloadGuard guard;

  Device() {
    MadePolicy made = make_policy({.id = "plant-v1",
                                   .topics = {"readings"},
                                   .schema_required = false,
                                   .not_after_s = kPayloadNowMs / 1000 + 1000},
                                  crypto::system_random())
                          .value();
    EXPECT_TRUE(keys.add_policy(made.policy));
    EXPECT_TRUE(keys.set_reader_key("plant-v1", made.reader.clone()));
    EXPECT_TRUE(keys.set_producer_key("plant-v1", made.producer.clone()));
    sealer = Sealer::create({.topic = "readings", .policy_id = "plant-v1", .schema_reference = {}},
                            keys, crypto::system_random(), kPayloadNowMs)
                 .value();
    opener = Opener::create({.topic = "readings", .policy_id = "plant-v1"}, keys).value();
  }
  ByteBuffer seal(std::string_view body, std::string_view channel = kChannel) {
    ByteBuffer out;
    EXPECT_EQ(sealer->seal(payload_context(channel), as_bytes(body), out), SealOutcome::ok);
    return out;
  }
  OpenOutcome open(ByteView payload, std::string_view channel, std::string& body) {
    ByteBuffer scratch, out;
    const SealedPayload read = read_payload(payload, scratch);
    if (read.kind == PayloadKind::grant)
      return opener->add_grant(read.key, read.value, kPayloadNowMs) ? OpenOutcome::ok
                                                                    : OpenOutcome::malformed;
    if (read.kind == PayloadKind::other) return OpenOutcome::malformed;
    const OpenOutcome outcome = opener->open(payload_context(channel), read.value, guard, out);
    body = as_text(out);
    return outcome;
  }
};

TEST(Payload, AGrantThenRecordsOpenAsBytesAndAsText) {
  Device device;
  std::string body;
  const ByteBuffer grant = encode_grant_payload(device.sealer->take_grants().at(0));
  const ByteBuffer first = device.seal("21.5"), second = device.seal("");
  EXPECT_EQ(device.open(first, kChannel, body), OpenOutcome::unknown_epoch);
  EXPECT_EQ(device.open(grant, kChannel, body), OpenOutcome::ok);
  EXPECT_EQ(device.open(as_bytes(to_base64url(grant)), kChannel, body), OpenOutcome::ok);
  EXPECT_EQ(device.open(first, kChannel, body), OpenOutcome::ok);
  EXPECT_EQ(body, "21.5");
  EXPECT_EQ(device.open(as_bytes(to_base64url(second)), kChannel, body), OpenOutcome::ok);
  EXPECT_EQ(body, "");
  EXPECT_EQ(device.open(first, kChannel, body), OpenOutcome::replayed);
}

TEST(Payload, WhatWasCopiedToAnotherChannelDoesNotOpen) {
  Device device;
  std::string body;
  (void)device.open(encode_grant_payload(device.sealer->take_grants().at(0)), kChannel, body);
  EXPECT_EQ(device.open(device.seal("1"), "plant/2/temperature", body), OpenOutcome::not_authentic);
  EXPECT_EQ(device.guard.size(), 0U);
}

TEST(Payload, OtherBytesAreNeither) {
  Device device;
  ByteBuffer scratch;
  const ByteBuffer grant = encode_grant_payload(device.sealer->take_grants().at(0));
  for (std::string_view text : {"", "{\"c\":1}", "0INT*", "glgo", "0INTo", "\xd0\x83"})
    EXPECT_EQ(read_payload(as_bytes(text), scratch).kind, PayloadKind::other) << text;
  ByteBuffer longer = grant, shorter(grant.begin(), grant.end() - 1);
  longer.push_back(0);
  EXPECT_EQ(read_payload(longer, scratch).kind, PayloadKind::other);
  EXPECT_EQ(read_payload(shorter, scratch).kind, PayloadKind::other);
  EXPECT_EQ(read_payload({}, scratch).kind, PayloadKind::other);
}

TEST(Payload, AGrantIsTakenUpToItsLimit) {
  EpochGrant grant{.key = {}, .value = ByteBuffer(kGrantBytesMax, 7)};
  ByteBuffer scratch;
  EXPECT_EQ(read_payload(encode_grant_payload(grant), scratch).kind, PayloadKind::grant);
  grant.value.push_back(7);
  EXPECT_EQ(read_payload(encode_grant_payload(grant), scratch).kind, PayloadKind::other);
}

const EpochName kEpoch{.producer = {1, 2, 3}, .epoch = EpochId(77)};

TEST(PayloadGuard, EachSequenceCountsOnceInAnyOrderWithinTheWindow) {
  PayloadGuard guard;
  for (std::uint32_t s : {5U, 3U, 4U, 0U, 1'000U, 999U})
    EXPECT_EQ(guard.admit(kEpoch, s), OpenOutcome::ok) << s;
  for (std::uint32_t s : {5U, 3U, 4U, 0U, 1'000U, 999U})
    EXPECT_EQ(guard.admit(kEpoch, s), OpenOutcome::replayed) << s;
  EXPECT_EQ(guard.admit(kEpoch, 1'000 + PayloadGuard::kWindow - 1), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(kEpoch, 1'000), OpenOutcome::replayed);  // seen, the window's last
  EXPECT_EQ(guard.admit(kEpoch, 1'001), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(kEpoch, 998), OpenOutcome::replayed);  // behind the window
  EXPECT_EQ(guard.admit(kEpoch, 100'000), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(kEpoch, 100'000 - PayloadGuard::kWindow), OpenOutcome::replayed);
  EXPECT_EQ(guard.admit(kEpoch, 100'001 - PayloadGuard::kWindow), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(kEpoch, UINT32_MAX), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(kEpoch, UINT32_MAX), OpenOutcome::replayed);
}

TEST(PayloadGuard, EpochsAreApartAndItsStateComesBack) {
  PayloadGuard guard;
  EpochName other = kEpoch;
  other.producer[0] = 9;
  EXPECT_EQ(guard.admit(kEpoch, 7), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(other, 7), OpenOutcome::ok);
  EXPECT_EQ(guard.admit(kEpoch, 9), OpenOutcome::ok);
  const std::vector<PayloadGuard::Entry> changes = guard.take_changes();
  EXPECT_EQ(changes.size(), 2U);
  EXPECT_TRUE(guard.take_changes().empty());
  PayloadGuard again;
  for (const PayloadGuard::Entry& entry : changes) {
    const auto value = PayloadGuard::encode_value(entry);
    const auto parsed = PayloadGuard::parse_entry(to_bytes(entry.epoch), value);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, entry);
    EXPECT_TRUE(again.restore(*parsed));
    EXPECT_FALSE(PayloadGuard::parse_entry(to_bytes(entry.epoch), ByteView(value).first(9)));
  }
  EXPECT_EQ(again.admit(kEpoch, 7), OpenOutcome::replayed);
  EXPECT_EQ(again.admit(kEpoch, 8), OpenOutcome::ok);
  EXPECT_EQ(again.take_changes().size(), 1U);
}

}  // namespace
}  // namespace penstock::seal
