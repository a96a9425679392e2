#include "seal/policy.h"

#include <gtest/gtest.h>

#include "crypto/jwk.h"
#include "seal/key_source.h"
#include "seal/keyring.h"
#include "seal/limits.h"

namespace penstock::seal {
namespace {

constexpr std::int64_t kPolicyNotAfterS = 1'900'000'000;

MadePolicy made() {
  return make_policy({.id = "pay-v1",
                      .topics = {"payments", "payments.eu"},
                      .schema_required = false,
                      .not_after_s = kPolicyNotAfterS},
                     crypto::system_random())
      .value();
}

TEST(Policy, ADocumentComesBackTheSameSignedOrNot) {
  MadePolicy m = made();
  EXPECT_EQ(Policy::parse(m.policy.to_json().dump(2)).value(), m.policy);
  Policy plain = Policy::create(m.policy.spec()).value();
  Policy read = Policy::parse(plain.to_json().dump()).value();
  EXPECT_EQ(read, plain);
  EXPECT_EQ(read.digest(), m.policy.digest());  // signing does not change it
  EXPECT_FALSE(read.owner().has_value());
}

TEST(Policy, CanonicalBytesAndDigestAreFixed) {
  auto key = crypto::P256PrivateKey::from_scalar(ByteBuffer(32, 1)).value().public_key();
  Policy policy = Policy::create({.id = "p",
                                  .version = 3,
                                  .topics = {"t"},
                                  .readers = {key},
                                  .producers = {key},
                                  .schema_required = true,
                                  .not_after_s = 1790000000})
                      .value();
  std::string jwk = R"({"crv":"P-256","kty":"EC","x":")" + to_base64url(key.x()) + R"(","y":")" +
                    to_base64url(key.y()) + R"("})";
  EXPECT_EQ(policy.canonical(), R"({"id":"p","not_after":1790000000,"producers":[)" + jwk +
                                    R"(],"readers":[)" + jwk +
                                    R"(],"schema_required":true,"topics":["t"],"version":3})");
  EXPECT_EQ(policy.digest(), crypto::sha256(as_bytes(policy.canonical())));
  // Order and white space of the document do not matter.
  std::string reordered = R"({ "version":3, "topics":["t"], "schema_required":true, "readers":[)" +
                          jwk + R"(], "producers":[)" + jwk +
                          R"(], "not_after":1790000000, "id":"p" })";
  EXPECT_EQ(Policy::parse(reordered).value(), policy);
}

TEST(Policy, EveryChangeOfAMemberChangesTheDigestAndBreaksTheSignature) {
  MadePolicy m = made();
  Json document = m.policy.to_json();
  const std::pair<const char*, Json> changes[] = {{"id", "pay-v2"},
                                                  {"version", 2},
                                                  {"topics", Json::array({"payments"})},
                                                  {"schema_required", true},
                                                  {"not_after", kPolicyNotAfterS + 1},
                                                  {"readers", document["policy"]["producers"]},
                                                  {"producers", document["policy"]["readers"]}};
  for (const auto& [member, value] : changes) {
    Json changed = document;
    changed["policy"][member] = value;
    EXPECT_EQ(Policy::from_json(changed).error().code(), ErrorCode::not_authentic) << member;
    EXPECT_NE(Policy::from_json(changed["policy"]).value().digest(), m.policy.digest());
  }
}

TEST(Policy, ChecksItsOwnerWhenAsked) {
  MadePolicy m = made();
  EXPECT_TRUE(m.policy.check_owner(m.owner.public_key()).has_value());
  EXPECT_EQ(m.policy.check_owner(m.reader.public_key()).error().code(), ErrorCode::not_authentic);
  Policy unsigned_policy = Policy::create(m.policy.spec()).value();
  EXPECT_EQ(unsigned_policy.check_owner(m.owner.public_key()).error().code(),
            ErrorCode::not_authentic);
}

TEST(Policy, RefusesWhatIsMissingSurplusOrOutOfRange) {
  Json good = Policy::create(made().policy.spec()).value().to_json();
  for (const auto& [member, value] : good.items()) {
    Json without = good;
    without.erase(member);
    EXPECT_FALSE(Policy::from_json(without).has_value()) << member;
    Json null = good;
    null[member] = nullptr;
    EXPECT_FALSE(Policy::from_json(null).has_value()) << member;
  }
  Json reader = good["readers"][0];
  const std::pair<const char*, Json> bad[] = {{"surplus", 1},
                                              {"id", ""},
                                              {"id", "a b"},
                                              {"id", ".."},
                                              {"id", std::string(kPolicyIdBytesMax + 1, 'a')},
                                              {"version", 0},
                                              {"version", 1.5},
                                              {"version", 1LL << 53},
                                              {"not_after", 0},
                                              {"not_after", 1LL << 53},
                                              {"topics", Json::array()},
                                              {"topics", {"t", "t"}},
                                              {"topics", {1}},
                                              {"topics", {"a/b"}},
                                              {"topics", {std::string(kTopicBytesMax + 1, 't')}},
                                              {"readers", Json::array()},
                                              {"readers", {reader, reader}},
                                              {"producers", {"key"}},
                                              {"schema_required", 0}};
  for (const auto& [member, value] : bad) {
    Json changed = good;
    changed[member] = value;
    EXPECT_FALSE(Policy::from_json(changed).has_value()) << member;
  }
  Json at_limit = good;
  at_limit["topics"] = {std::string(kTopicBytesMax, 't')};
  at_limit["id"] = std::string(kPolicyIdBytesMax, 'a');
  at_limit["version"] = (1LL << 53) - 1;
  EXPECT_TRUE(Policy::from_json(at_limit).has_value());
  EXPECT_FALSE(Policy::parse("[]").has_value());
  EXPECT_FALSE(Policy::parse(std::string(kPolicyBytesMax + 1, ' ')).has_value());
}

TEST(Policy, KnowsItsTopicsReadersAndProducers) {
  MadePolicy m = made();
  EXPECT_TRUE(m.policy.covers("payments.eu"));
  EXPECT_FALSE(m.policy.covers("payments.us"));
  EXPECT_TRUE(m.policy.names_reader(m.reader.public_key()));
  EXPECT_FALSE(m.policy.names_reader(m.producer.public_key()));
  EXPECT_EQ(*m.policy.producer(m.producer.public_key().thumbprint()), m.producer.public_key());
  EXPECT_EQ(m.policy.producer(m.reader.public_key().thumbprint()), nullptr);
}

TEST(PolicyForTopic, FindsTheOneAndRefusesNoneOrSeveral) {
  KeyRing ring;
  MadePolicy m = made();
  ASSERT_TRUE(ring.add_policy(m.policy).has_value());
  EXPECT_EQ(policy_for_topic(ring, "payments").value()->id(), "pay-v1");
  EXPECT_EQ(policy_for_topic(ring, "other").error().code(), ErrorCode::not_found);
  PolicySpec second = m.policy.spec();
  second.id = "second";
  ASSERT_TRUE(ring.add_policy(Policy::create(second).value()).has_value());
  EXPECT_EQ(policy_for_topic(ring, "payments").error().code(), ErrorCode::failed_precondition);
}

}  // namespace
}  // namespace penstock::seal
