#include "seal/opener.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/secret.h"
#include "seal/grant.h"
#include "seal/limits.h"
#include "seal/record_codec.h"

namespace penstock::seal {
namespace {

constexpr std::uint8_t kEndOfBody = 0x80;

class PolicyProducers final : public ProducerKeys {
 public:
  explicit PolicyProducers(const Policy& policy) : policy_(policy) {}
  const crypto::P256PublicKey* find(ByteView thumbprint) const override {
    return policy_.producer(thumbprint);
  }

 private:
  const Policy& policy_;
};

// Size of the body within a padded one; nothing when the mark is missing.
std::optional<std::size_t> unpadded(ByteView padded) {
  std::size_t end = padded.size();
  while (end > 0 && padded[end - 1] == 0) --end;
  if (end == 0 || padded[end - 1] != kEndOfBody) return std::nullopt;
  return end - 1;
}

}  // namespace

struct Opener::Epoch {
  EpochName name;
  crypto::Aes256Gcm aead;
  Nonce base_iv;
  std::array<std::uint8_t, kCommitBytes> commit{};
  std::int64_t not_after_s = 0;
  std::uint64_t records_max = 0;
  std::unique_ptr<Epoch> next;  // of another producer, with the same id

  Epoch(const OpenedGrant& grant, crypto::AeadEngine engine)
      : name(grant.name()),
        aead(grant.keys.key(), engine),
        base_iv(grant.keys.base_iv()),
        not_after_s(grant.spec.not_after_s),
        records_max(grant.spec.records_max) {
    std::ranges::copy(grant.keys.commit(), commit.begin());
  }
};

struct Opener::Pending {
  OpenOutcome outcome = OpenOutcome::malformed;  // ok: goes on to decrypt()
  bool field = false;
  std::uint32_t sequence = 0;
  std::optional<std::int32_t> partition;
  Epoch* epoch = nullptr;  // the first one with the record's id
  ByteView ciphertext;
  ByteView aad;
  Nonce nonce;  // under that epoch
  AadMemory memory;
};

void OpenedBatch::reset(std::size_t sealed_bytes, std::size_t rows) {
  wipe();
  // A plaintext with its newline is shorter than its sealed form. One byte more at the start takes
  // the first record's kind.
  std::size_t bytes = 1 + sealed_bytes + kOpenPadding;
  CHECK(bytes <= UINT32_MAX);
  memory_.reserve(bytes);
  memory_.data()[0] = '\n';
  end_ = 1;
  rows_.reserve(rows);
}

void OpenedBatch::wipe() {
  if (end_ > 0 && memory_.size() > 0) penstock::wipe({memory_.data(), end_});
  end_ = 0;
  refused_ = 0;
  rows_.clear();
  epochs_.clear();
}

void OpenedBatch::finish() {
  std::memset(memory_.data() + end_, 0, kOpenPadding);
}

Opener::Opener(OpenerOptions options, Policy policy, crypto::P256PrivateKey reader)
    : options_(std::move(options)),
      policy_(std::move(policy)),
      reader_(std::move(reader)),
      pending_(std::make_unique<std::array<Pending, 2>>()) {}

Opener::~Opener() = default;

Result<std::unique_ptr<Opener>> Opener::create(OpenerOptions options, const KeySource& keys) {
  const Policy* policy =
      TRY_IN(keys.policy(options.policy_id), fmt::format("opening topic '{}'", options.topic));
  if (!policy->covers(options.topic))
    return fail(ErrorCode::permission_denied,
                fmt::format("opening topic '{}': policy '{}' does not cover it", options.topic,
                            options.policy_id));
  const crypto::P256PrivateKey* reader = keys.reader_key(options.policy_id);
  if (reader == nullptr)
    return fail(ErrorCode::permission_denied,
                fmt::format("opening topic '{}': no policy key for '{}'; give one with --keys",
                            options.topic, options.policy_id));
  return std::unique_ptr<Opener>(new Opener(std::move(options), *policy, reader->clone()));
}

Result<EpochName> Opener::add_grant(ByteView key, ByteView grant, std::int64_t now_ms) {
  std::string doing = fmt::format("topic '{}'", grants_topic(options_.topic));
  EpochName name = TRY_IN(epoch_name_from(key), doing);
  std::int64_t now_s = now_ms / kMsPerS;
  if (now_s > policy_.not_after_s())
    return fail(ErrorCode::failed_precondition,
                fmt::format("{}: policy '{}' ended at {} (Unix seconds), now is {}", doing,
                            policy_.id(), policy_.not_after_s(), now_s));
  GrantExpectation expected{.topic = options_.topic,
                            .policy_id = policy_.id(),
                            .policy_digest = policy_.digest(),
                            .schema_required = policy_.schema_required(),
                            .now_s = now_s};
  OpenedGrant opened =
      TRY_IN(open_grant(grant, PolicyProducers(policy_), reader_, expected), doing);
  if (opened.name() != name)
    return fail(ErrorCode::failed_precondition,
                fmt::format("{}: a grant is for another epoch, or by another producer, than its "
                            "record's key says",
                            doing));
  for (const Epoch* known = find(name.epoch); known != nullptr; known = known->next.get()) {
    if (known->name != name) continue;
    if (equal_constant_time(known->commit, opened.keys.commit())) return name;
    return fail(
        ErrorCode::already_exists,
        fmt::format("{}: two grants with different secrets for epoch {}", doing, to_text(name)));
  }
  if (epochs_ >= kEpochsMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{}: more than {} open epochs", doing, kEpochsMax));
  std::unique_ptr<Epoch>* end = &by_id_[name.epoch];
  while (*end != nullptr) end = &(*end)->next;
  *end = std::make_unique<Epoch>(opened, options_.engine);
  ++epochs_;
  return name;
}

std::size_t Opener::expire(std::int64_t now_ms) {
  std::int64_t now_s = now_ms / kMsPerS;
  std::size_t expired = 0;
  last_ = nullptr;
  for (auto at = by_id_.begin(); at != by_id_.end();) {
    std::unique_ptr<Epoch>* link = &at->second;
    while (*link != nullptr) {
      if (std::min((*link)->not_after_s, policy_.not_after_s()) < now_s) {
        *link = std::move((*link)->next);
        ++expired;
      } else {
        link = &(*link)->next;
      }
    }
    at = at->second == nullptr ? by_id_.erase(at) : std::next(at);
  }
  epochs_ -= expired;
  return expired;
}

Opener::Epoch* Opener::find(EpochId id) {
  if (last_ != nullptr && last_->name.epoch == id) [[likely]]
    return last_;
  auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  last_ = found->second.get();
  return last_;
}

void Opener::take_apart(const RecordContext& context, ByteView sealed, Pending& out) {
  if (sealed.data() == nullptr) [[unlikely]] {
    out.outcome = OpenOutcome::bare_null;
    return;
  }
  if (sealed.size() > kSealedRecordBytesMax || context.key.size > kRecordKeyBytesMax ||
      (context.path && context.path->size() > kFieldPathBytesMax)) [[unlikely]] {
    out.outcome = OpenOutcome::too_large;
    return;
  }
  SealedRecord record;
  if (!parse_record_here(sealed, record)) [[unlikely]] {
    out.outcome = OpenOutcome::malformed;
    return;
  }
  Epoch* epoch = find(record.epoch);
  if (epoch == nullptr) [[unlikely]] {
    out.outcome = OpenOutcome::unknown_epoch;
    return;
  }
  out.outcome = OpenOutcome::ok;
  out.field = context.path.has_value();
  out.sequence = record.sequence;
  out.epoch = epoch;
  out.ciphertext = record.ciphertext;
  out.partition = context.partition;
  out.nonce = epoch->base_iv.with(context.partition, record.sequence);
  out.aad = out.memory.write(context, record.protected_header.data());
}

OpenOutcome Opener::decrypt(const Pending& record, std::uint8_t* at, Plain& plain) {
  if (record.outcome != OpenOutcome::ok) [[unlikely]]
    return record.outcome;
  ByteSpan plaintext(at, record.ciphertext.size() - crypto::kGcmTagBytes);
  Epoch* epoch = record.epoch;
  bool authentic = epoch->aead.open(record.nonce.view(), record.aad, record.ciphertext, plaintext);
  while (!authentic && (epoch = epoch->next.get()) != nullptr) [[unlikely]] {
    Nonce nonce = epoch->base_iv.with(record.partition, record.sequence);
    authentic = epoch->aead.open(nonce.view(), record.aad, record.ciphertext, plaintext);
  }
  if (!authentic) [[unlikely]]
    return OpenOutcome::not_authentic;
  if (record.sequence >= epoch->records_max) [[unlikely]] {
    wipe(plaintext);
    return OpenOutcome::unknown_epoch;
  }
  plain.epoch = epoch;
  plain.written = plaintext.size();
  plain.size = plaintext.size() - 1;
  auto kind = static_cast<Kind>(plaintext[0]);
  OpenOutcome outcome = OpenOutcome::unknown_kind;
  if (kind == Kind::body && !record.field) [[likely]]
    return OpenOutcome::ok;
  if (kind == Kind::field && record.field) return OpenOutcome::ok;
  if (kind == Kind::tombstone && !record.field)
    outcome = plain.size == 0 ? OpenOutcome::tombstone : OpenOutcome::malformed;
  if (kind == Kind::padded && !record.field) {
    std::optional<std::size_t> body = unpadded(ByteView(plaintext).subspan(1));
    outcome = body ? OpenOutcome::ok : OpenOutcome::bad_padding;
    plain.size = body.value_or(0);
  }
  if (!is_opened(outcome)) wipe(plaintext);
  return outcome;
}

void Opener::begin_row(std::size_t slot, const RecordContext& context, ByteView sealed) {
  take_apart(context, sealed, (*pending_)[slot]);
}

// Every authentic record counts for its sequence, also one that is refused for what it holds.
OpenOutcome Opener::admit(const Pending& record, const Plain& plain, OpenOutcome outcome,
                          SequenceGuard& guard) {
  if (plain.epoch == nullptr) return outcome;
  OpenOutcome admitted = guard.admit(plain.epoch->name, record.sequence);
  return admitted == OpenOutcome::ok ? outcome : admitted;
}

Opened Opener::end_row(std::size_t slot, SequenceGuard& guard, OpenedBatch& out) {
  const Pending& record = (*pending_)[slot];
  // The kind byte lands on the newline before the body and is made one again, so that the body
  // needs no second copy.
  std::uint8_t* newline = out.memory_.data() + out.end_ - 1;
  Plain plain;
  OpenOutcome opened = decrypt(record, newline, plain);
  *newline = '\n';
  Opened row;
  row.offset = static_cast<std::uint32_t>(out.end_);
  row.outcome = admit(record, plain, opened, guard);
  if (plain.epoch != nullptr) row.epoch = out.note_epoch(plain.epoch->name);
  if (row.outcome == OpenOutcome::ok) [[likely]] {
    row.size = static_cast<std::uint32_t>(plain.size);
    newline[1 + plain.size] = '\n';
    out.end_ += plain.size + 1;
  } else if (is_opened(opened) && !is_opened(row.outcome)) {
    wipe({newline + 1, plain.written - 1});
  }
  return row;
}

OpenOutcome Opener::open(const RecordContext& context, ByteView sealed, SequenceGuard& guard,
                         ByteBuffer& out) {
  return open_apart(context, sealed, &guard, out);
}

OpenOutcome Opener::open_in_any_order(const RecordContext& context, ByteView sealed,
                                      ByteBuffer& out) {
  return open_apart(context, sealed, nullptr, out);
}

OpenOutcome Opener::open_apart(const RecordContext& context, ByteView sealed, SequenceGuard* guard,
                               ByteBuffer& out) {
  Pending& record = pending_->front();
  take_apart(context, sealed, record);
  if (record.outcome != OpenOutcome::ok) return record.outcome;
  std::size_t start = out.size();
  out.resize(start + record.ciphertext.size());
  Plain plain;
  OpenOutcome outcome = decrypt(record, out.data() + start, plain);
  if (guard != nullptr) outcome = admit(record, plain, outcome, *guard);
  std::size_t kept = outcome == OpenOutcome::ok ? plain.size : 0;
  if (kept > 0) std::memmove(out.data() + start, out.data() + start + 1, kept);
  wipe(ByteSpan(out).subspan(start + kept));
  out.resize(start + kept);
  return outcome;
}

OpenOutcome Opener::open_field(const RecordContext& context, std::string_view text,
                               ByteBuffer& out) {
  CHECK(context.path.has_value());
  CHECK(!context.partition);
  if (!text.starts_with(kFieldPrefix)) return OpenOutcome::malformed;
  if (text.size() / 4 * 3 > kSealedRecordBytesMax) return OpenOutcome::too_large;
  Result<ByteBuffer> sealed = from_base64url(text.substr(kFieldPrefix.size()));
  if (!sealed) return OpenOutcome::malformed;
  return open_apart(context, *sealed, nullptr, out);
}

}  // namespace penstock::seal
