#include "seal/sealer.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "seal/grant.h"
#include "seal/limits.h"
#include "seal/record_codec.h"

namespace penstock::seal {
namespace {

std::int64_t seconds(std::int64_t ms) {
  return ms / kMsPerS;
}

Result<> check_usable(const Policy& policy, const SealerOptions& options) {
  if (!policy.covers(options.topic))
    return fail(ErrorCode::permission_denied,
                fmt::format("sealing topic '{}': policy '{}' does not cover it", options.topic,
                            policy.id()));
  if (policy.schema_required() && !options.schema_reference)
    return fail(ErrorCode::failed_precondition,
                fmt::format("sealing topic '{}': policy '{}' requires a schema and none is given",
                            options.topic, policy.id()));
  if (options.schema_reference && options.schema_reference->size() > kSchemaReferenceBytesMax)
    return fail(
        ErrorCode::limit_exceeded,
        fmt::format("sealing topic '{}': the schema reference has {} bytes, at most {} are "
                    "taken",
                    options.topic, options.schema_reference->size(), kSchemaReferenceBytesMax));
  if (options.epoch_lifetime_s < 1)
    return fail(ErrorCode::invalid_argument,
                fmt::format("sealing topic '{}': the epoch lifetime is {} s, expected at least 1",
                            options.topic, options.epoch_lifetime_s));
  return {};
}

}  // namespace

struct EpochSealer::Scratch {
  // A record whose head is written.
  struct Begun {
    Nonce nonce;
    AadMemory memory;
    ByteView aad;
    std::uint8_t* place = nullptr;  // where its ciphertext comes
    ByteView plaintext;
  };
  Nonce base_iv;
  std::array<Begun, 2> begun;
  // Next sequences: of the partitions from 0 on, of far ones, and where there is none.
  std::vector<std::uint32_t> next_near;
  std::unordered_map<std::int32_t, std::uint32_t> next_far;
  std::uint32_t next_without = 0;

  std::uint32_t& next_in(std::optional<std::int32_t> partition) {
    constexpr std::int32_t kNearPartitions = 16 << 10;
    if (!partition) return next_without;
    CHECK(*partition >= 0);
    if (*partition >= kNearPartitions) [[unlikely]]
      return next_far[*partition];
    auto index = static_cast<std::size_t>(*partition);
    if (index >= next_near.size()) [[unlikely]]
      next_near.resize(index + 1);
    return next_near[index];
  }
};

EpochSealer::EpochSealer(EpochId id, const EpochKeys& keys, crypto::AeadEngine engine,
                         Position first)
    : id_(id),
      aead_(keys.key(), engine),
      scratch_(std::make_unique<Scratch>()),
      records_(first.next_sequence) {
  scratch_->base_iv = Nonce(keys.base_iv());
  scratch_->next_in(first.partition) = first.next_sequence;
}

EpochSealer::EpochSealer(EpochId id, crypto::Aes256Gcm aead, ByteView base_iv)
    : id_(id), aead_(std::move(aead)), scratch_(std::make_unique<Scratch>()) {
  scratch_->base_iv = Nonce(base_iv);
}

EpochSealer::~EpochSealer() = default;

SealOutcome EpochSealer::seal(const RecordContext& context, Kind kind, ByteView body,
                              ByteBuffer& out) {
  CHECK(kind != Kind::tombstone || body.empty());
  if (body.size() + kSealedOverheadMax > kSealedRecordBytesMax ||
      context.key.size > kRecordKeyBytesMax ||
      (context.path && context.path->size() > kFieldPathBytesMax))
    return SealOutcome::too_large;
  if (records_left() == 0) return SealOutcome::epoch_used_up;
  ++records_;  // so no partition's sequence passes 32 bits
  const std::uint32_t sequence = scratch_->next_in(context.partition)++;

  const std::size_t start = out.size();
  out.resize(start + body.size() + kSealedOverheadMax);
  std::uint8_t* room = out.data() + start;
  const std::size_t ciphertext_bytes = 1 + body.size() + crypto::kGcmTagBytes;
  const std::size_t head_bytes = write_record_head(id_, sequence, ciphertext_bytes, room);
  std::uint8_t* place = room + head_bytes;
  place[0] = static_cast<std::uint8_t>(kind);
  if (!body.empty()) std::memcpy(place + 1, body.data(), body.size());
  const Nonce nonce = scratch_->base_iv.with(context.partition, sequence);
  aead_.seal(nonce.view(), scratch_->begun[0].memory.write(context, room + kProtectedAt),
             {place, 1 + body.size()}, {place, ciphertext_bytes});
  out.resize(start + head_bytes + ciphertext_bytes);
  return SealOutcome::ok;
}

// The next record's head is written before one is sealed: the cipher then never waits for bytes
// that were just written.
void EpochSealer::seal_rows(std::optional<std::int32_t> partition, const Rows& rows,
                            std::uint8_t* out, std::span<std::uint32_t> ends) {
  const PackedCells plaintexts = rows.plaintexts;
  const std::optional<PackedCells> keys = rows.keys;
  const std::size_t count = plaintexts.ends.size();
  CHECK(ends.size() == count && rows.timestamps_ms.size() == count);
  CHECK(!keys || keys->ends.size() == count);
  CHECK(records_left() >= count);
  records_ += count;
  std::uint32_t sequence = scratch_->next_in(partition);
  scratch_->next_in(partition) += static_cast<std::uint32_t>(count);
  const NoncePlace place(partition);
  Scratch::Begun* begun = &scratch_->begun.front();
  Scratch::Begun* next = &scratch_->begun.back();
  begun->memory.begin(partition);
  next->memory.begin(partition);

  std::uint8_t* at = out;
  for (std::size_t i = 0; i <= count; ++i) {
    if (i < count) {
      const Slice key = keys ? Slice::of((*keys)[i]) : Slice{};
      next->plaintext = plaintexts[i];
      const std::size_t bytes = next->plaintext.size();
      CHECK(bytes > 0 && next->plaintext[0] == static_cast<std::uint8_t>(Kind::body));
      CHECK(bytes - 1 + kSealedOverheadMax <= kSealedRecordBytesMax);
      CHECK(key.size <= kRecordKeyBytesMax);
      next->place = at + write_record_head(id_, sequence, bytes + crypto::kGcmTagBytes, at);
      next->nonce = scratch_->base_iv.with(place, sequence);
      next->aad = next->memory.next(key, rows.timestamps_ms[i], at + kProtectedAt, sequence);
      at = next->place + bytes + crypto::kGcmTagBytes;
      ends[i] = static_cast<std::uint32_t>(at - out);
      ++sequence;
    }
    if (i > 0)
      aead_.seal(begun->nonce.view(), begun->aad, begun->plaintext,
                 {begun->place, begun->plaintext.size() + crypto::kGcmTagBytes});
    std::swap(begun, next);
  }
}

Sealer::Sealer(SealerOptions options, Policy policy, crypto::P256PrivateKey producer,
               crypto::RandomSource& random)
    : options_(std::move(options)),
      policy_(std::move(policy)),
      producer_(std::move(producer)),
      random_(random) {}

Result<std::unique_ptr<Sealer>> Sealer::create(SealerOptions options, const KeySource& keys,
                                               crypto::RandomSource& random, std::int64_t now_ms) {
  const Policy* policy =
      TRY_IN(keys.policy(options.policy_id), fmt::format("sealing topic '{}'", options.topic));
  TRY(check_usable(*policy, options));
  const crypto::P256PrivateKey* producer = keys.producer_key(options.policy_id);
  if (producer == nullptr)
    return fail(ErrorCode::permission_denied,
                fmt::format("sealing topic '{}': no producer key for policy '{}'; give one with "
                            "--keys",
                            options.topic, options.policy_id));
  if (policy->producer(producer->public_key().thumbprint()) == nullptr)
    return fail(
        ErrorCode::permission_denied,
        fmt::format("sealing topic '{}': policy '{}' does not name the producer key at hand",
                    options.topic, options.policy_id));
  auto sealer = std::unique_ptr<Sealer>(new Sealer(  // the constructor is private
      std::move(options), *policy, TRY(producer->create_clone()), random));
  TRY(sealer->begin_epoch(now_ms));
  return sealer;
}

Result<> Sealer::prepare(std::int64_t now_ms, std::uint64_t records) {
  if (records > kEpochRecordsMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("sealing topic '{}': a batch of {} records, at most {} fit an epoch",
                            options_.topic, records, kEpochRecordsMax));
  if (epoch_ && epoch_->records_left() >= records && seconds(now_ms) < epoch_ends_s_) [[likely]]
    return {};
  return begin_epoch(now_ms);
}

Result<> Sealer::begin_epoch(std::int64_t now_ms) {
  std::int64_t now_s = seconds(now_ms);
  if (now_s > policy_.not_after_s())
    return fail(
        ErrorCode::failed_precondition,
        fmt::format("sealing topic '{}': policy '{}' ended at {} (Unix seconds), now is {}; "
                    "the owner must issue a new version",
                    options_.topic, policy_.id(), policy_.not_after_s(), now_s));
  GrantSpec spec{.epoch = {},
                 .context = {.topic = options_.topic,
                             .schema_reference = options_.schema_reference,
                             .producer = producer_.public_key().thumbprint(),
                             .policy_id = policy_.id(),
                             .policy_digest = policy_.digest()},
                 .not_after_s = policy_.not_after_s(),
                 .records_max = kEpochRecordsMax};
  EpochIdBytes id;
  TRY(random_.fill(id));
  spec.epoch = TRY(epoch_id_from(id));
  SecretBuffer secret = TRY(SecretBuffer::create(kEpochSecretBytes));
  TRY(random_.fill(secret.span()));
  ByteBuffer grant = TRY_IN(make_grant(spec, secret.view(), policy_, producer_, random_),
                            fmt::format("sealing topic '{}'", options_.topic));
  EpochKeys keys = TRY(EpochKeys::derive(secret.view(), spec.epoch, encode_context(spec.context)));
  epoch_ = std::make_unique<EpochSealer>(
      spec.epoch, TRY(crypto::Aes256Gcm::create(keys.key(), options_.engine)), keys.base_iv());
  // The policy's end, its last second included, is an end of sealing too.
  std::int64_t left_s = policy_.not_after_s() - now_s;
  epoch_ends_s_ = now_s + std::min(options_.epoch_lifetime_s, left_s + 1);
  grants_.push_back(
      {.key = to_bytes(EpochName{spec.context.producer, spec.epoch}), .value = std::move(grant)});
  return {};
}

std::vector<EpochGrant> Sealer::take_grants() {
  return std::exchange(grants_, {});
}

SealOutcome Sealer::seal(const RecordContext& context, ByteView body, ByteBuffer& out) {
  CHECK(grants_.empty());
  CHECK(!context.path);
  return epoch_->seal(context, Kind::body, body, out);
}

void Sealer::seal_rows(std::optional<std::int32_t> partition, const Rows& rows, std::uint8_t* out,
                       std::span<std::uint32_t> ends) {
  CHECK(grants_.empty());
  epoch_->seal_rows(partition, rows, out, ends);
}

SealOutcome Sealer::seal_tombstone(const RecordContext& context, ByteBuffer& out) {
  CHECK(grants_.empty());
  CHECK(!context.path);
  return epoch_->seal(context, Kind::tombstone, {}, out);
}

SealOutcome Sealer::seal_padded(const RecordContext& context, ByteView body,
                                std::uint32_t block_bytes, ByteBuffer& out) {
  constexpr std::uint8_t kEndOfBody = 0x80;
  CHECK(grants_.empty());
  CHECK(!context.path);
  CHECK(block_bytes >= 1);
  if (body.size() > kSealedRecordBytesMax) return SealOutcome::too_large;
  std::size_t padded = (body.size() + block_bytes) / block_bytes * block_bytes;
  if (padded > kSealedRecordBytesMax) return SealOutcome::too_large;
  scratch_.assign(padded, 0);
  if (!body.empty()) std::memcpy(scratch_.data(), body.data(), body.size());
  scratch_[body.size()] = kEndOfBody;
  SealOutcome outcome = epoch_->seal(context, Kind::padded, scratch_, out);
  wipe(scratch_);
  return outcome;
}

SealOutcome Sealer::seal_field(const RecordContext& context, ByteView cbor, std::string& out) {
  CHECK(grants_.empty());
  CHECK(context.path.has_value());
  CHECK(!context.partition);
  scratch_.clear();
  SealOutcome outcome = epoch_->seal(context, Kind::field, cbor, scratch_);
  if (outcome != SealOutcome::ok) return outcome;
  out += kFieldPrefix;
  out += to_base64url(scratch_);
  return outcome;
}

}  // namespace penstock::seal
