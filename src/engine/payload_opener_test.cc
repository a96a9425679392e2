#include "engine/payload_opener.h"

#include <gtest/gtest.h>

#include "engine/test_keys.h"
#include "engine/test_topics.h"
#include "topics/memory_log.h"
#include "topics/test_state_key.h"

namespace penstock::engine {
namespace {

using namespace test;  // NOLINT: builders

constexpr std::string_view kChannel = "plant/1";

class PayloadOpenerTest : public testing::Test {
 protected:
  PayloadOpenerTest() {
    make_topic(*log_, "readings");
    make_topic(*log_, "readings.grants");
    opener_ = open_task();
    begin_epoch();
  }
  std::unique_ptr<PayloadOpener> open_task() {
    return PayloadOpener::create(*log_, &keys_, "readings", std::string(kPolicyId)).value();
  }
  void begin_epoch() {
    sealer_ = seal::Sealer::create({.topic = "readings",
                                    .policy_id = std::string(kPolicyId),
                                    .schema_reference = std::nullopt},
                                   keys_, crypto::system_random(), system_clock().now_ms())
                  .value();
    epoch_grant_ = sealer_->take_grants().at(0);
    grant_ = std::string(as_text(seal::encode_grant_payload(epoch_grant_)));
  }
  std::string record(std::string_view body, std::string_view channel = kChannel) {
    ByteBuffer out;
    EXPECT_EQ(sealer_->seal(seal::payload_context(channel), as_bytes(body), out),
              seal::SealOutcome::ok);
    return std::string(as_text(out));
  }
  // Bodies, or "<reason>" of what is refused.
  std::vector<std::string> open(const std::vector<std::string>& payloads, bool keep_keys = true) {
    batch_.records.clear();
    batch_.refused.clear();
    for (const std::string& payload : payloads)
      batch_.records.append(
          {.key = as_bytes(kChannel), .value = as_bytes(payload), .timestamp_ms = 5});
    EXPECT_TRUE(opener_->open(batch_, keep_keys));
    std::vector<std::string> out;
    auto refused = batch_.refused.begin();
    for (std::size_t row = 0; row < batch_.records.size(); ++row) {
      const topics::RecordView record = batch_.records[row];
      if (refused != batch_.refused.end() && refused->first == row)
        out.push_back("<" + std::string((refused++)->second) + ">");
      else
        out.emplace_back(as_text(*record.value));
    }
    return out;
  }

  using Texts = std::vector<std::string>;
  std::unique_ptr<topics::Log> log_ = topics::make_memory_log(topics::test_identity());
  seal::KeyRing keys_ = make_keys({"readings"});
  std::unique_ptr<PayloadOpener> opener_;
  std::unique_ptr<seal::Sealer> sealer_;
  seal::EpochGrant epoch_grant_;
  std::string grant_;
  SourceBatch batch_;
};

TEST_F(PayloadOpenerTest, OpensWithAGrantOfTheSameBatchAndHandsItOnOnce) {
  const std::string first = record("a");
  EXPECT_EQ(open({first, grant_, first, record("b"), grant_}),
            (Texts{"<sealed_unknown_epoch>", "a", "b"}));
  EXPECT_TRUE(batch_.refused_are_sealed);
  ASSERT_EQ(batch_.grants.size(), 1U);
  EXPECT_EQ(as_text(*batch_.grants[0].value), as_text(epoch_grant_.value));
  EXPECT_EQ(as_text(*batch_.records[1].key), kChannel);
  EXPECT_EQ(batch_.records[1].timestamp_ms, 5);
  EXPECT_EQ(open({grant_, record("c")}, /*keep_keys=*/false), Texts{"c"});
  EXPECT_EQ(batch_.grants.size(), 0U);
  EXPECT_FALSE(batch_.records[0].key);
}

TEST_F(PayloadOpenerTest, DropsRepeatsAndRefusesWhatIsForgedOrPlain) {
  const std::string first = record("a");
  std::string changed = record("b");
  changed.back() ^= 1;
  EXPECT_EQ(
      open({grant_, first, first, changed, record("x", "plant/2"), "21.5"}),
      (Texts{"a", "<sealed_not_authentic>", "<sealed_not_authentic>", "<payload_not_sealed>"}));
  EXPECT_EQ(opener_->counts().repeats, 1U);
  std::string bad_grant = grant_;
  bad_grant.back() ^= 1;
  begin_epoch();
  EXPECT_EQ(open({bad_grant}), Texts{});
}

TEST_F(PayloadOpenerTest, AForgedGrantIsRefusedAndDoesNotHideTheGoodOne) {
  std::string forged = grant_;
  forged.back() ^= 1;
  EXPECT_EQ(open({forged, grant_, record("a")}), Texts{"a"});
  EXPECT_EQ(opener_->counts().grants_refused, 1U);
}

TEST_F(PayloadOpenerTest, TheNextTaskGoesOnWithGrantsOfTheLogAndItsWindows) {
  const std::string first = record("a");
  EXPECT_EQ(open({grant_, first}), Texts{"a"});
  produce(*log_, "readings.grants",
          {{.key = std::string(as_text(epoch_grant_.key)),
            .value = std::string(as_text(epoch_grant_.value))}});
  const topics::TaskId task("CONNECTOR_C.0/0");
  auto writer = log_->writer(topics::WriterId("w")).value();
  ASSERT_TRUE(StoredState::load(*writer, task));
  auto commit = writer->begin().value();
  opener_->write_state(commit->state(task));
  ASSERT_EQ(commit->finish().outcome, topics::Outcome::committed);
  opener_ = open_task();
  writer = log_->writer(topics::WriterId("w")).value();
  ASSERT_TRUE(opener_->restore(StoredState::load(*writer, task).value()));
  EXPECT_EQ(open({first, record("b"), grant_, record("c")}), (Texts{"b", "c"}));
  EXPECT_EQ(opener_->counts().repeats, 1U);
  EXPECT_EQ(batch_.grants.size(), 0U);  // the log has it
}

TEST_F(PayloadOpenerTest, NeedsKeysThatReadTheTopic) {
  const auto none = PayloadOpener::create(*log_, nullptr, "readings", "p");
  EXPECT_EQ(none.error().code(), ErrorCode::permission_denied);
}

}  // namespace
}  // namespace penstock::engine
