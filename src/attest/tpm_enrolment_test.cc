// An attestation key without a certificate: proved to sit in the TPM of an endorsement key.
#include "attest/tpm_enrolment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/test_tpm.h"

namespace penstock::attest {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;

constexpr std::string_view kRuntimeData = R"({"nonce":"x"})";
constexpr std::int64_t kEnrolAtS = 1'750'000'000;

std::vector<std::string> enrolment_refused_by(const Appraisal& appraisal) {
  std::vector<std::string> out;
  for (const RuleOutcome& rule : appraisal.rules)
    if (rule.result != RuleResult::pass) out.push_back(rule.name);
  return out;
}

TpmChallenge challenged(const EnrolledMachine& machine) {
  auto made = make_tpm_challenge(machine.extra_params(), crypto::system_random());
  CHECK(made.has_value());
  return std::move(*made);
}

struct EnrolSession {
  EnrolledMachine machine;
  TpmChallenge challenge;
  EvidenceFiles files;
  Trust trust = Trust::operator_;

  explicit EnrolSession(EnrolledMachine of = {}) : machine(std::move(of)) {
    const crypto::Sha256Digest digest = crypto::sha256(as_bytes(kRuntimeData));
    machine.nonce = ByteBuffer(digest.begin(), digest.end());
    machine.registers[8] = ByteBuffer(32);
    machine.told = machine.registers;
    challenge = challenged(machine);
    files = machine.files();
    files.files["ek_cert"] = {machine.ek_certificate().der()};
    files.files["activation"] = {machine.activate(challenge.extra_params, kRuntimeData)};
  }
  Appraisal judge() const {
    Expectations expected{.now_s = kEnrolAtS,
                          .tpm_credential = challenge.asked,
                          .runtime_data = std::string(kRuntimeData)};
    Anchors anchors;
    anchors.named.push_back({.pki = Pki::tpm,
                             .anchor = crypto::test_anchor(machine.root_certificate()),
                             .trust = trust});
    return appraise_tpm(files, {expected, anchors});
  }
};

TEST(TpmEnrolment, AKeyInThatTpmIsBelieved) {
  EnrolSession session;
  const Appraisal good = session.judge();
  EXPECT_THAT(enrolment_refused_by(good), IsEmpty());
  EXPECT_EQ(good.trust, Trust::operator_);
  EXPECT_EQ(good.claims.at("platform"), to_hex(session.challenge.asked->ek));
  EXPECT_EQ(good.claims.at("ak_name"), to_hex(session.machine.name()));
  session.trust = Trust::provider;
  EXPECT_EQ(session.judge().trust, Trust::provider);
}

TEST(TpmEnrolment, WithoutTheTpmsAnswerNothingIsBelieved) {
  EnrolSession session;
  session.files.files["activation"] = {ByteBuffer(32)};
  EXPECT_THAT(enrolment_refused_by(session.judge()), Contains("activation"));
  session.files.files.erase("activation");
  EXPECT_THAT(enrolment_refused_by(session.judge()), Contains("activation"));
}

TEST(TpmEnrolment, NothingIsEnrolledThatNoChallengeAskedFor) {
  EnrolSession session;
  session.challenge.asked = nullptr;
  const Appraisal refused = session.judge();
  EXPECT_THAT(enrolment_refused_by(refused), Contains("activation"));
  EXPECT_FALSE(refused.claims.contains("platform"));
}

TEST(TpmEnrolment, AnAnswerServesItsSessionAlone) {
  EnrolSession one;
  EnrolSession two(one.machine);
  two.files.files["activation"] = one.files.files["activation"];
  EXPECT_THAT(enrolment_refused_by(two.judge()), Contains("activation"));
  // The same challenge, for another nonce or key.
  one.files.files["activation"] = {one.machine.activate(one.challenge.extra_params, "{}")};
  EXPECT_THAT(enrolment_refused_by(one.judge()), Contains("activation"));
}

TEST(TpmEnrolment, AKeyOfAnotherTpmIsRefused) {
  // A real TPM opens the credential only for a key that it has: another's name gives no answer.
  EnrolledMachine genuine, soft;
  soft.ek = genuine.ek;
  soft.root = genuine.root;
  const TpmChallenge challenge = challenged(soft);
  EXPECT_TRUE(genuine.activate(challenge.extra_params, kRuntimeData).empty());
  // Enrolled with one key, signed with another.
  EnrolSession session;
  EnrolledMachine other = session.machine;
  other.ak = crypto::test_ec_key("P-256");
  const EvidenceFiles foreign = other.files();
  for (const char* role : {"quote", "signature", "ak_public_area"})
    session.files.files[role] = foreign.files.at(role);
  EXPECT_THAT(enrolment_refused_by(session.judge()), Contains("ak_enrolled"));
}

TEST(TpmEnrolment, TheEndorsementKeysCertificateIsJudged) {
  EnrolledMachine no_ek;
  no_ek.ek_usage = false;
  EXPECT_THAT(enrolment_refused_by(EnrolSession(no_ek).judge()), Contains("ek_usage"));
  EnrolledMachine revoked;
  revoked.crl = {revoked.ek_serial};
  EXPECT_THAT(enrolment_refused_by(EnrolSession(revoked).judge()), Contains("ek_0_revocation"));
  EnrolSession swapped;
  EnrolledMachine another = swapped.machine;
  another.ek = crypto::test_rsa_key();
  swapped.files.files["ek_cert"] = {another.ek_certificate().der()};
  EXPECT_THAT(enrolment_refused_by(swapped.judge()), Contains("ek_key"));
  EnrolSession foreign;
  foreign.machine.root = crypto::test_ec_key("P-256");
  EXPECT_THAT(enrolment_refused_by(foreign.judge()), Contains("ek_chain"));
  EnrolledMachine unrestricted;
  unrestricted.attributes = 0x00040072;
  EXPECT_THAT(enrolment_refused_by(EnrolSession(unrestricted).judge()), Contains("ak_attributes"));
}

// The root's certificate may be missing, since its key is known: that hides nothing of what it has
// revoked.
TEST(TpmRevocation, OfACertificateRightUnderItsRoot) {
  const auto judged = [](const TpmMachine& machine, bool with_root) {
    EvidenceFiles files = machine.files();
    if (with_root) files.files["ak_chain"] = {machine.root_certificate().der()};
    Expectations expected{.now_s = kEnrolAtS, .unbound = true};
    Anchors anchors;
    anchors.named.push_back({.pki = Pki::tpm,
                             .anchor = crypto::test_anchor(machine.root_certificate()),
                             .trust = Trust::provider});
    return enrolment_refused_by(appraise_tpm(files, {expected, anchors}));
  };
  TpmMachine machine;
  EXPECT_THAT(judged(machine, true), IsEmpty());
  EXPECT_THAT(judged(machine, false), IsEmpty());
  machine.crl = {51};
  EXPECT_THAT(judged(machine, true), Contains("ak_0_revocation"));
  EXPECT_THAT(judged(machine, false), Contains("ak_0_revocation"));
}

TEST(TpmEnrolment, MalformedRequestsGetNoChallenge) {
  const EnrolledMachine machine;
  const auto refused = [](const Json& tpm) {
    return !make_tpm_challenge(tpm, crypto::system_random());
  };
  EXPECT_FALSE(refused(machine.extra_params()));
  EXPECT_TRUE(refused(Json::array()));
  for (const char* member : {"ek_cert", "ek_public", "ak_public"}) {
    Json changed = machine.extra_params();
    changed.erase(member);
    EXPECT_TRUE(refused(changed)) << member;
    changed[member] = "!";
    EXPECT_TRUE(refused(changed)) << member;
    changed[member] = to_base64(ByteBuffer(64, 1));
    EXPECT_TRUE(refused(changed)) << member;
  }
  EnrolledMachine other = machine;
  other.ek = crypto::test_rsa_key();
  Json mixed = machine.extra_params();
  mixed["ek_cert"] = to_base64(other.ek_certificate().der());
  EXPECT_TRUE(refused(mixed));
  // Not the default template: a policy that somebody else's secret satisfies.
  Json changed = machine.extra_params();
  ByteBuffer area = machine.ek_public();
  area[12] ^= 1;
  changed["ek_public"] = to_base64(area);
  EXPECT_TRUE(refused(changed));
}

}  // namespace
}  // namespace penstock::attest
