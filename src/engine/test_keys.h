// For tests: a policy and its keys, and a producer and a reader of sealed records.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/random.h"
#include "engine/test_topics.h"
#include "seal/grant.h"
#include "seal/keyring.h"
#include "seal/opener.h"
#include "seal/sealer.h"
#include "sql/plan.h"

namespace penstock::engine::test {

inline constexpr std::string_view kPolicyId = "pay-v1";
inline const sql::SealSpec kSealed{sql::SealKind::psr1, std::string(kPolicyId)};

inline seal::KeyRing make_keys(std::vector<std::string> topics) {
  std::int64_t not_after_s = system_clock().now_ms() / 1000 + 3600;
  seal::MadePolicy made = seal::make_policy({.id = std::string(kPolicyId),
                                             .topics = std::move(topics),
                                             .schema_required = false,
                                             .not_after_s = not_after_s},
                                            crypto::system_random())
                              .value();
  seal::KeyRing keys;
  EXPECT_TRUE(keys.add_policy(made.policy));
  EXPECT_TRUE(keys.set_reader_key(kPolicyId, std::move(made.reader)));
  EXPECT_TRUE(keys.set_producer_key(kPolicyId, std::move(made.producer)));
  return keys;
}

// One epoch of a topic; its grant goes into the log at once.
class TestProducer {
 public:
  TestProducer(topics::Log& log, std::string topic, const seal::KeySource& keys)
      : log_(log), topic_(std::move(topic)) {
    sealer_ = seal::Sealer::create({.topic = topic_,
                                    .policy_id = std::string(kPolicyId),
                                    .schema_reference = std::nullopt},
                                   keys, crypto::system_random(), system_clock().now_ms())
                  .value();
    grants_ = sealer_->take_grants();
  }
  void publish_grant() {
    for (const seal::EpochGrant& grant : grants_)
      produce(
          log_, seal::grants_topic(topic_),
          {{.key = std::string(as_text(grant.key)), .value = std::string(as_text(grant.value))}});
  }
  std::string seal(std::string_view body, data::TimestampMs timestamp_ms,
                   std::int32_t partition = 0) {
    ByteBuffer out;
    EXPECT_EQ(sealer_->seal(context_of(timestamp_ms, partition), as_bytes(body), out),
              seal::SealOutcome::ok);
    return std::string(as_text(out));
  }
  std::string seal_tombstone(data::TimestampMs timestamp_ms, std::int32_t partition = 0) {
    ByteBuffer out;
    EXPECT_EQ(sealer_->seal_tombstone(context_of(timestamp_ms, partition), out),
              seal::SealOutcome::ok);
    return std::string(as_text(out));
  }

 private:
  static seal::RecordContext context_of(data::TimestampMs timestamp_ms, std::int32_t partition) {
    return {.key = {}, .timestamp_ms = timestamp_ms, .path = std::nullopt, .partition = partition};
  }

  topics::Log& log_;
  std::string topic_;
  std::unique_ptr<seal::Sealer> sealer_;
  std::vector<seal::EpochGrant> grants_;
};

// Opens everything that a topic holds; "<refused>" for what does not open in its partition's order,
// "<deleted>" for tombstones.
inline std::vector<std::string> open_topic(topics::Log& log, const std::string& topic,
                                           const seal::KeySource& keys) {
  auto opener =
      seal::Opener::create({.topic = topic, .policy_id = std::string(kPolicyId)}, keys).value();
  for (const TestRecord& grant : read_topic(log, seal::grants_topic(topic)))
    EXPECT_TRUE(
        opener->add_grant(as_bytes(*grant.key), as_bytes(*grant.value), system_clock().now_ms()));
  std::vector<std::string> out;
  std::size_t partitions = log.describe(topic_name(topic)).value().partitions.size();
  for (std::size_t p = 0; p < partitions; ++p) {
    seal::SequenceGuard guard;
    for (const TestRecord& record : read_partition(log, topic, static_cast<std::int32_t>(p))) {
      ByteBuffer body;
      seal::RecordContext context{.key = {},
                                  .timestamp_ms = record.timestamp_ms,
                                  .path = {},
                                  .partition = record.partition};
      if (record.key) context.key = Slice::of(as_bytes(*record.key));
      const auto outcome = opener->open(context, as_bytes(*record.value), guard, body);
      out.push_back(outcome == seal::OpenOutcome::ok          ? std::string(as_text(body))
                    : outcome == seal::OpenOutcome::tombstone ? "<deleted>"
                                                              : "<refused>");
    }
    EXPECT_EQ(guard.totals(), seal::GapTotals{}) << topic << "/" << p;
  }
  return out;
}

}  // namespace penstock::engine::test
