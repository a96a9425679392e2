#include <atomic>
#include <condition_variable>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/jwk.h"
#include "enroll/enrollment.h"
#include "enroll/scripted_manager.h"
#include "keys/limits.h"
#include "seal/policy.h"

namespace penstock::enroll::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kInitdata = "version = \"0.1.0\"\n";
const std::string kPolicy = "payments/policy/p-v1";
const std::string kReader = "payments/reader-key/p-v1";
const std::string kProducer = "payments/producer-key/p-v1";
const std::string kStateKey = "payments/state-key/pay";

// A manager with one stream policy, and what a configuration says about it.
class Enroll : public testing::Test {
 protected:
  void SetUp() override { fill(manager_); }
  void TearDown() override { EXPECT_THAT(manager_.complaints(), IsEmpty()); }

  void fill(ScriptedManager& manager) {
    manager.put(kPolicy, made_.policy.to_json().dump());
    manager.put(kReader, crypto::to_jwk(made_.reader).dump());
    manager.put(kProducer, crypto::to_jwk(made_.producer).dump());
    manager.put(kStateKey, std::string(seal::kStateKeyBytes, 's'));
    manager.put("payments/secret/s", "a secret");
  }
  std::unique_ptr<BrokerClient> client(const BrokerAddress& address) {
    return BrokerClient::create(address, provider_, std::string(kInitdata), crypto::system_random(),
                                &cancel_)
        .value();
  }
  std::unique_ptr<BrokerClient> client() { return client(manager_.address()); }
  EnrollmentSpec spec() const {
    return {.app = "payments",
            .policies = {{.id = "p-v1",
                          .digest = to_hex(made_.policy.digest()),
                          .open = true,
                          .seal = true}},
            .service = "pay"};
  }
  Error refused(std::unique_ptr<BrokerClient> client) {
    auto enrollment = Enrollment::start(std::move(client), spec());
    EXPECT_FALSE(enrollment);
    return enrollment ? Error(ErrorCode::internal, "enrolled") : enrollment.error();
  }
  Error refused() { return refused(client()); }

  static keys::ResourcePath path(std::string_view text) {
    return keys::ResourcePath::parse(text).value();
  }

  const net::HttpCancel cancel_ = net::HttpCancel::create().value();
  const seal::MadePolicy made_ =
      seal::make_policy({.id = "p-v1",
                         .topics = {"payments"},
                         .schema_required = false,
                         .not_after_s = system_clock().now_ms() / 1000 + 3600},
                        crypto::system_random())
          .value();
  ShowingProvider provider_;
  // For hooks, which may still run on the manager's threads when a test's body has ended.
  std::atomic<int> tries_ = 0;
  std::atomic<bool> asked_ = false, go_ = false, away_ = true;
  ScriptedManager manager_{0, std::string(kInitdata)};
};

// Waits for what another thread brings about.
template <typename Condition>
bool comes_true(Condition condition) {
  for (int i = 0; i < 2'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST_F(Enroll, AttestsThenFetchesPoliciesAndKeysInOrder) {
  auto enrollment = Enrollment::start(client(), spec());
  ASSERT_TRUE(enrollment) << enrollment.error().text();
  EXPECT_THAT(manager_.steps(),
              ElementsAre("auth", "attest", kPolicy, kReader, kProducer, kStateKey));
  const seal::KeySource& keys = (*enrollment)->keys();
  EXPECT_THAT(keys.policy_ids(), ElementsAre("p-v1"));
  ASSERT_NE(keys.reader_key("p-v1"), nullptr);
  EXPECT_EQ(keys.reader_key("p-v1")->public_key(), made_.reader.public_key());
  EXPECT_EQ(keys.producer_key("p-v1")->public_key(), made_.producer.public_key());
  EXPECT_EQ(as_text(keys.state_key()), std::string(seal::kStateKeyBytes, 's'));
  const EnrollmentState state = (*enrollment)->state();
  EXPECT_EQ(state.tee, "showing");
  EXPECT_EQ(state.app, "payments");
  EXPECT_TRUE(state.token_valid);
  EXPECT_EQ(state.renewals, 0);
  EXPECT_EQ(state.last_error, "");
}

TEST_F(Enroll, FetchesOnlyTheKeysThatTheConfigurationNames) {
  EnrollmentSpec only = spec();
  only.policies[0].open = false;
  auto enrollment = Enrollment::start(client(), only);
  ASSERT_TRUE(enrollment);
  EXPECT_EQ((*enrollment)->keys().reader_key("p-v1"), nullptr);
  EXPECT_EQ(manager_.count(kReader), 0);
}

TEST_F(Enroll, RefusesToStartWithoutAStateKeyAndSaysHowToReplaceIt) {
  manager_.on_step([](const std::string& step, int) -> std::optional<Answer> {
    if (step != kStateKey) return std::nullopt;
    return refusal(404, "ResourceNotFound", "nothing of that name");
  });
  const Error missing = refused();
  EXPECT_EQ(missing.code(), ErrorCode::failed_precondition);
  EXPECT_NE(missing.text().find("penstock manager secret put --app payments state-key/pay"),
            std::string::npos)
      << missing.text();
}

TEST_F(Enroll, RefusesAStateKeyOfAnotherLength) {
  manager_.put(kStateKey, "sixteen-bytes-xx");
  const Error wrong = refused();
  EXPECT_EQ(wrong.code(), ErrorCode::failed_precondition);
  EXPECT_NE(wrong.text().find("has 16 bytes, expected 32"), std::string::npos) << wrong.text();
  EXPECT_EQ(wrong.text().find("sixteen"), std::string::npos);
}

TEST_F(Enroll, FetchesNamedSecretsAnewEachTime) {
  auto enrollment = Enrollment::start(client(), spec());
  ASSERT_TRUE(enrollment) << enrollment.error().text();
  EXPECT_EQ(as_text((*enrollment)->fetch_secret("s").value().view()), "a secret");
  manager_.put("payments/secret/s", "another");
  EXPECT_EQ(as_text((*enrollment)->fetch_secret("s").value().view()), "another");
  manager_.put("payments/secret/long", std::string(keys::kNamedSecretBytesMax + 1, 'x'));
  EXPECT_EQ((*enrollment)->fetch_secret("long").error().code(), ErrorCode::failed_precondition);
  EXPECT_EQ((*enrollment)->fetch_secret("../reader-key/p-v1").error().code(),
            ErrorCode::invalid_argument);
  const auto missing = (*enrollment)->fetch_secret("broker");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::failed_precondition);
  EXPECT_THAT(missing.error().text(),
              HasSubstr("penstock manager secret put --app payments secret/broker"));
  // Nothing of this is the owner's withdrawal.
  EXPECT_TRUE((*enrollment)->state().token_valid);
  (*enrollment)->end_renewal();
  EXPECT_EQ((*enrollment)->fetch_secret("s").error().code(), ErrorCode::cancelled);
}

TEST_F(Enroll, ASecretThatThePolicyDeniesIsNotFetched) {
  auto enrollment = Enrollment::start(client(), spec());
  ASSERT_TRUE(enrollment) << enrollment.error().text();
  manager_.on_step([](const std::string& step, int) -> std::optional<Answer> {
    if (step != "payments/secret/s") return std::nullopt;
    return refusal(403, "PolicyDeny", "denied by policy: measurement (measurement)");
  });
  EXPECT_EQ((*enrollment)->fetch_secret("s").error().code(), ErrorCode::permission_denied);
}

TEST_F(Enroll, EndsAtOnceWhenItIsDenied) {
  manager_.on_step([](const std::string& step, int) -> std::optional<Answer> {
    if (step != kPolicy) return std::nullopt;
    return refusal(403, "PolicyDeny", "denied by policy: measurement (measurement)");
  });
  const Error error = refused();
  EXPECT_EQ(error.code(), ErrorCode::permission_denied);
  EXPECT_THAT(error.text(), HasSubstr("measurement (measurement)"));
  EXPECT_EQ(manager_.count("auth"), 1);

  manager_.on_step([](const std::string& step, int) -> std::optional<Answer> {
    if (step != "attest") return std::nullopt;
    return refusal(401, "AttestationError", "denied: signature (signature)");
  });
  EXPECT_EQ(refused().code(), ErrorCode::permission_denied);
}

TEST_F(Enroll, AttestsAgainWhenItsTokenIsNotAcceptedAnyMore) {
  auto broker = client();
  ASSERT_TRUE(broker->resource(path("payments/secret/s")));
  manager_.on_step([](const std::string& step, int before) -> std::optional<Answer> {
    if (!step.ends_with("/s") || before != 1) return std::nullopt;
    return refusal(401, "TokenVerifierError", "the token has expired");
  });
  const auto secret = broker->resource(path("payments/secret/s"));
  ASSERT_TRUE(secret) << secret.error().text();
  EXPECT_EQ(as_text(secret->view()), "a secret");
  EXPECT_EQ(manager_.count("auth"), 2);
  manager_.on_step([](const std::string& step, int) -> std::optional<Answer> {
    if (!step.ends_with("/s")) return std::nullopt;
    return refusal(401, "TokenVerifierError", "never");
  });
  EXPECT_EQ(broker->resource(path("payments/secret/s")).error().code(), ErrorCode::unauthenticated);
  EXPECT_LE(manager_.count("auth"), 2 + 3);
}

TEST_F(Enroll, BeginsAnewWithAManagerThatHasForgottenItsSession) {
  manager_.on_step([](const std::string& step, int before) -> std::optional<Answer> {
    if (step != "attest" || before > 0) return std::nullopt;
    return refusal(401, "AttestationError", "the session is not known");
  });
  auto enrollment = Enrollment::start(client(), spec());
  ASSERT_TRUE(enrollment) << enrollment.error().text();
  EXPECT_THAT(manager_.steps(), ElementsAre("auth", "attest", "auth", "attest", kPolicy, kReader,
                                            kProducer, kStateKey));
}

TEST_F(Enroll, DoesNotTakeGarbage) {
  for (const std::string_view step : {"auth", "attest", "payments/policy/p-v1"}) {
    for (const std::string_view body :
         {"", "[]", "{\"token\":\"x\"}", "{\"nonce\":1}", "\xff\xfe"}) {
      manager_.on_step([&](const std::string& now, int) -> std::optional<Answer> {
        if (now != step) return std::nullopt;
        return Answer{200, std::string(body)};
      });
      EXPECT_FALSE(refused().text().empty()) << step << " " << body;
    }
  }
}

TEST_F(Enroll, DoesNotTakeAMessageThatWasChangedOrIsForAnother) {
  const auto answer_with = [&](Json message) {
    manager_.on_step([message](const std::string& step, int) -> std::optional<Answer> {
      if (step != kReader) return std::nullopt;
      return Answer{200, message.dump()};
    });
  };
  ASSERT_TRUE(client()->attest());
  answer_with(manager_.sealed_to_guest(crypto::to_jwk(made_.reader).dump()));
  EXPECT_EQ(refused().code(), ErrorCode::not_authentic);  // for another session's key
  manager_.on_step([&](const std::string& step, int) -> std::optional<Answer> {
    if (step != kReader) return std::nullopt;
    Json message = manager_.sealed_to_guest(crypto::to_jwk(made_.reader).dump());
    std::string text = message["ciphertext"].get<std::string>();
    text[0] = text[0] == 'A' ? 'B' : 'A';
    message["ciphertext"] = text;
    return Answer{200, message.dump()};
  });
  EXPECT_EQ(refused().code(), ErrorCode::not_authentic);
}

TEST_F(Enroll, TakesThePolicyOfTheConfigurationAndNoOther) {
  EnrollmentSpec other = spec();
  other.policies[0].digest = std::string(64, '0');
  auto enrollment = Enrollment::start(client(), other);
  ASSERT_FALSE(enrollment);
  EXPECT_EQ(enrollment.error().code(), ErrorCode::not_authentic);
  EXPECT_THAT(enrollment.error().text(), HasSubstr("digest"));
  EXPECT_EQ(manager_.count(kReader), 0);  // no key before the policy is right

  const auto plain = seal::Policy::create(made_.policy.spec()).value();
  manager_.put(kPolicy, plain.to_json().dump());  // the same digest, but nobody signed it
  EXPECT_THAT(refused().text(), HasSubstr("not signed"));
  Json changed = made_.policy.to_json();
  changed["policy"]["topics"] = {"payments", "other"};
  manager_.put(kPolicy, changed.dump());
  EXPECT_EQ(refused().code(), ErrorCode::not_authentic);
  manager_.put(kPolicy, made_.policy.to_json().dump());
  const auto stranger = crypto::P256PrivateKey::generate(crypto::system_random()).value();
  manager_.put(kReader, crypto::to_jwk(stranger).dump());  // a key that the policy does not name
  EXPECT_EQ(refused().code(), ErrorCode::permission_denied);
}

TEST_F(Enroll, BelievesNobodyWithACertificateOfAnotherAuthority) {
  BrokerAddress address = manager_.address();
  address.trust = net::TlsTrust::create(Authority().certificate).value();
  const Error error = refused(client(address));
  EXPECT_EQ(error.code(), ErrorCode::not_authentic);
  EXPECT_THAT(error.text(), HasSubstr("certificate"));
  EXPECT_THAT(manager_.steps(), IsEmpty());
  address.manager.tls = false;
  EXPECT_FALSE(BrokerClient::create(address, provider_, "", crypto::system_random(), nullptr));
}

TEST_F(Enroll, WaitsForAManagerThatIsAway) {
  manager_.on_step([&](const std::string& step, int) -> std::optional<Answer> {
    if (step != "auth" || ++tries_ > 2) return std::nullopt;
    return Answer{503, ""};
  });
  auto enrollment = Enrollment::start(client(), spec());
  ASSERT_TRUE(enrollment) << enrollment.error().text();
  EXPECT_EQ(tries_, 3);
}

TEST_F(Enroll, StopsWaitingWhenItIsCancelled) {
  BrokerAddress nobody = manager_.address();
  nobody.manager.port = 1;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    cancel_.cancel();
  });
  EXPECT_EQ(refused(client(nobody)).code(), ErrorCode::cancelled);
  later.join();
}

TEST_F(Enroll, StopsInTheMiddleOfASlowAnswer) {
  manager_.on_step([&](const std::string& step, int) -> std::optional<Answer> {
    if (step == "attest") {
      asked_ = true;
      comes_true([&] { return go_.load(); });
    }
    return std::nullopt;
  });
  std::thread later([&] {
    comes_true([&] { return asked_.load(); });
    cancel_.cancel();
  });
  EXPECT_EQ(refused().code(), ErrorCode::cancelled);
  go_ = true;
  later.join();
}

TEST_F(Enroll, RenewsBeforeItsTokenEnds) {
  manager_.token_life_s = 2;
  auto enrollment = Enrollment::start(client(), spec()).value();
  ASSERT_TRUE(comes_true([&] { return enrollment->state().renewals >= 2; }));
  EXPECT_TRUE(enrollment->state().token_valid);
  EXPECT_EQ(manager_.count(kReader), 1);  // keys are fetched once
  EXPECT_GE(manager_.count(kPolicy), 3);  // but the owner's policy is asked every time
}

TEST_F(Enroll, TellsOnceThatTheOwnerHasWithdrawnTheApproval) {
  manager_.token_life_s = 2;
  manager_.on_step([](const std::string& step, int before) -> std::optional<Answer> {
    if (step != kPolicy || before == 0) return std::nullopt;
    return refusal(403, "PolicyDeny", "denied by policy: measurement (measurement)");
  });
  std::atomic<int> calls = 0;
  auto enrollment = Enrollment::start(client(), spec()).value();
  enrollment->on_withdrawn([&](const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::permission_denied);
    ++calls;
  });
  ASSERT_TRUE(comes_true([&] { return calls > 0; }));
  const EnrollmentState state = enrollment->state();
  EXPECT_FALSE(state.token_valid);
  EXPECT_THAT(state.last_error, HasSubstr("measurement"));
  bool again = false;
  enrollment->on_withdrawn([&](const Error&) { again = true; });
  EXPECT_TRUE(again);  // who asks late is told at once
  enrollment.reset();
  EXPECT_EQ(calls, 1);
}

TEST_F(Enroll, GoesOnWhileTheManagerIsAwayAndComesBackToIt) {
  manager_.token_life_s = 2;
  std::atomic<bool> withdrawn = false;
  manager_.on_step([&](const std::string& step, int before) -> std::optional<Answer> {
    if (step != "auth" || before == 0 || !away_) return std::nullopt;
    return Answer{502, "<html>somebody in between</html>"};
  });
  auto enrollment = Enrollment::start(client(), spec()).value();
  enrollment->on_withdrawn([&](const Error&) { withdrawn = true; });
  ASSERT_TRUE(comes_true([&] { return enrollment->state().failures >= 2; }));
  EXPECT_NE(enrollment->state().last_error, "");
  EXPECT_NE(enrollment->keys().reader_key("p-v1"), nullptr);
  away_ = false;
  ASSERT_TRUE(comes_true([&] { return enrollment->state().renewals >= 1; }));
  EXPECT_EQ(enrollment->state().last_error, "");
  EXPECT_FALSE(withdrawn);
}

class Leases : public Enroll {
 protected:
  keys::HeldCheckpoint at(std::int64_t number) {
    keys::HeldCheckpoint out{.term = 0, .parts = {}};
    out.parts[""] = {number, std::string(64, 'a')};
    return out;
  }
  LeaseSpec lease(std::chrono::milliseconds offline_max) {
    return {.instance = "",
            .offline_max = offline_max,
            .checkpoint = [this]() -> Result<keys::HeldCheckpoint> { return at(++commit_); }};
  }
  std::atomic<std::int64_t> commit_ = 0;
};

TEST_F(Leases, ATaskThatWasDroppedIsDroppedAtTheManagerAtOnce) {
  auto enrollment = Enrollment::start(client(), spec()).value();
  LeaseSpec rare = lease(std::chrono::hours(24));  // else once a minute
  rare.checkpoint = [this]() -> Result<keys::HeldCheckpoint> {
    keys::HeldCheckpoint out;
    out.parts["Q/0"] = {1, std::string(64, 'a')};
    if (away_) out.parts["R/0"] = {1, std::string(64, 'a')};
    return out;
  };
  ASSERT_TRUE(enrollment->start_lease(std::move(rare)));
  EXPECT_EQ(manager_.lease_requests().size(), 1U);
  away_ = false;
  ASSERT_TRUE(comes_true([&] { return manager_.lease_requests().size() == 2; }));
  EXPECT_EQ(manager_.lease_requests()[1]["checkpoint"]["parts"].size(), 1U);
}

TEST_F(Leases, SendWhatWasCommittedAtTheStartNowAndThenAndAtTheEnd) {
  auto enrollment = Enrollment::start(client(), spec()).value();
  EXPECT_EQ(enrollment->start_lease(lease(std::chrono::seconds(2))).value(), 1);
  ASSERT_TRUE(comes_true([&] { return manager_.lease_requests().size() >= 3; }));
  EXPECT_GE(enrollment->state().held_commit, 2);
  enrollment->stop_lease();
  const auto requests = manager_.lease_requests();
  EXPECT_EQ(requests.front()["step"], "start");
  EXPECT_EQ(requests[1]["step"], "renew");
  EXPECT_EQ(requests.back()["step"], "stop");
  std::int64_t last = 0;
  for (const Json& request : requests) {
    const std::int64_t number = request["checkpoint"]["parts"][""]["number"];
    EXPECT_GT(number, last);
    last = number;
    EXPECT_EQ(request["term"], request["step"] == "start" ? 0 : 1);
  }
  commit_ = 100;  // nobody asks any more
  enrollment.reset();
  EXPECT_EQ(commit_, 100);
}

TEST_F(Leases, WhoHasLostItIsTold) {
  manager_.on_step([](const std::string& step, int before) -> std::optional<Answer> {
    if (step != "lease" || before == 0) return std::nullopt;
    return refusal(409, "LeaseOver", "another process has it");
  });
  std::atomic<int> code = -1;
  auto enrollment = Enrollment::start(client(), spec()).value();
  enrollment->on_withdrawn([&](const Error& error) { code = static_cast<int>(error.code()); });
  ASSERT_TRUE(enrollment->start_lease(lease(std::chrono::seconds(2))));
  ASSERT_TRUE(comes_true([&] { return code != -1; }));
  EXPECT_EQ(code, static_cast<int>(ErrorCode::fenced));
}

TEST_F(Leases, AnOlderStateIsRefusedAtTheStart) {
  manager_.on_step([](const std::string& step, int) -> std::optional<Answer> {
    if (step != "lease") return std::nullopt;
    return refusal(409, "CheckpointRefused", "older than what was held");
  });
  auto enrollment = Enrollment::start(client(), spec()).value();
  const auto term = enrollment->start_lease(lease(std::chrono::seconds(2)));
  ASSERT_FALSE(term);
  EXPECT_EQ(term.error().code(), ErrorCode::failed_precondition);
  EXPECT_THAT(term.error().text(), HasSubstr("older"));
}

TEST_F(Leases, AManagerThatIsAwayForTooLongEndsIt) {
  manager_.on_step([&](const std::string& step, int before) -> std::optional<Answer> {
    if (step != "lease" || before == 0) return std::nullopt;
    return Answer{502, "somebody in between"};
  });
  std::atomic<int> code = -1;
  auto enrollment = Enrollment::start(client(), spec()).value();
  enrollment->on_withdrawn([&](const Error& error) { code = static_cast<int>(error.code()); });
  ASSERT_TRUE(enrollment->start_lease(lease(std::chrono::seconds(2))));
  ASSERT_TRUE(comes_true([&] { return code != -1; }));
  EXPECT_EQ(code, static_cast<int>(ErrorCode::timeout));
}

}  // namespace
}  // namespace penstock::enroll::test
