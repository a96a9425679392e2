// For tests and benchmarks: the owner of a policy who makes grants by hand, one epoch each.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "crypto/random.h"
#include "seal/grant.h"
#include "seal/keyring.h"
#include "seal/limits.h"
#include "seal/sealer.h"
#include "topics/log.h"

namespace penstock::engine::test {

class GrantOwner {
 public:
  // The policy never ends.
  GrantOwner(std::string topic, std::string policy_id)
      : topic_(std::move(topic)),
        made_(seal::make_policy({.id = std::move(policy_id),
                                 .topics = {topic_},
                                 .schema_required = false,
                                 .not_after_s = kNotAfterS},
                                crypto::system_random())
                  .value()) {
    CHECK(keys_.add_policy(made_.policy).has_value());
    CHECK(keys_.set_reader_key(made_.policy.id(), made_.reader.clone()).has_value());
    CHECK(keys_.set_producer_key(made_.policy.id(), made_.producer.clone()).has_value());
  }

  const seal::KeyRing& keys() const { return keys_; }
  seal::EpochName name(std::uint64_t epoch) const {
    return {made_.producer.public_key().thumbprint(), seal::EpochId(epoch)};
  }
  std::string grant_key(std::uint64_t epoch) const {
    return std::string(as_text(seal::to_bytes(name(epoch))));
  }
  seal::GrantSpec spec(std::uint64_t epoch) const {
    return {.epoch = seal::EpochId(epoch),
            .context = {.topic = topic_,
                        .schema_reference = std::nullopt,
                        .producer = made_.producer.public_key().thumbprint(),
                        .policy_id = made_.policy.id(),
                        .policy_digest = made_.policy.digest()},
            .not_after_s = kNotAfterS,
            .records_max = seal::kEpochRecordsMax};
  }
  // The epoch's secret follows from its id.
  static ByteBuffer secret(std::uint64_t epoch) {
    ByteBuffer out(seal::kEpochSecretBytes, 7);
    for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(epoch >> (8 * i));
    return out;
  }
  // The epoch's only record, in `partition`.
  ByteBuffer record(std::uint64_t epoch, std::string_view body, std::int64_t timestamp_ms,
                    std::int32_t partition) const {
    seal::EpochSealer sealer(seal::EpochId(epoch),
                             seal::EpochKeys::derive(secret(epoch), seal::EpochId(epoch),
                                                     seal::encode_context(spec(epoch).context))
                                 .value(),
                             crypto::AeadEngine::best);
    ByteBuffer out;
    seal::RecordContext context{
        .key = {}, .timestamp_ms = timestamp_ms, .path = std::nullopt, .partition = partition};
    CHECK(sealer.seal(context, seal::Kind::body, as_bytes(body), out) == seal::SealOutcome::ok);
    return out;
  }
  std::string grant(std::uint64_t epoch) const {
    return std::string(as_text(seal::make_grant(spec(epoch), secret(epoch), made_.policy,
                                                made_.producer, crypto::system_random())
                                   .value()));
  }

 private:
  static constexpr std::int64_t kNotAfterS = 4'000'000'000;
  std::string topic_;
  seal::MadePolicy made_;
  seal::KeyRing keys_;
};

// Appends to `topic` and its grants: epochs of one record each, {"N":epoch}, turn by turn in all
// partitions.
inline Result<> append_epochs(topics::Log& log, const GrantOwner& owner, std::string_view topic,
                              std::int32_t partitions, std::uint64_t from, std::uint64_t to) {
  constexpr std::uint64_t kPerCommit = 4096;
  topics::TopicName records = TRY(topics::TopicName::parse(topic));
  topics::TopicName grants = TRY(topics::TopicName::parse(seal::grants_topic(topic)));
  auto writer = TRY(log.writer(topics::WriterId("epochs")));
  for (std::uint64_t epoch = from; epoch < to;) {
    auto commit = TRY(writer->begin());
    topics::RecordBatch granted;
    std::vector<topics::RecordBatch> sealed(static_cast<std::size_t>(partitions));
    for (std::uint64_t end = std::min(epoch + kPerCommit, to); epoch < end; ++epoch) {
      std::string key = owner.grant_key(epoch), grant = owner.grant(epoch);
      granted.append({.key = as_bytes(key), .value = as_bytes(grant), .timestamp_ms = 1});
      std::size_t partition = epoch % sealed.size();
      std::string body = fmt::format(R"({{"N":{}}})", epoch);
      ByteBuffer record = owner.record(epoch, body, 1, static_cast<std::int32_t>(partition));
      sealed[partition].append({.key = {}, .value = ByteView(record), .timestamp_ms = 1});
    }
    TRY(commit->append({grants, 0}, granted));
    for (std::size_t i = 0; i < sealed.size(); ++i)
      if (!sealed[i].empty())
        TRY(commit->append({records, static_cast<std::int32_t>(i)}, sealed[i]));
    topics::CommitResult result = commit->finish();
    if (result.outcome != topics::Outcome::committed)
      return fail(result.error.value_or(Error(ErrorCode::internal, "the commit failed")));
  }
  return {};
}

inline Result<> make_epoch_topics(topics::Log& log, std::string_view topic,
                                  std::int32_t partitions) {
  TRY(log.create({.name = TRY(topics::TopicName::parse(topic)), .partitions = partitions}));
  return log.create({.name = TRY(topics::TopicName::parse(seal::grants_topic(topic))),
                     .partitions = 1,
                     .compacted = true});
}

}  // namespace penstock::engine::test
