#include "seal/opener.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/secret.h"
#include "seal/grant.h"
#include "seal/limits.h"
#include "seal/open_epoch.h"
#include "seal/record_codec.h"

namespace penstock::seal {
namespace {

constexpr std::uint8_t kEndOfBody = 0x80;

// Size of the body within a padded one; nothing when the mark is missing.
std::optional<std::size_t> unpadded(ByteView padded) {
  std::size_t end = padded.size();
  while (end > 0 && padded[end - 1] == 0) --end;
  if (end == 0 || padded[end - 1] != kEndOfBody) return std::nullopt;
  return end - 1;
}

}  // namespace

// Grants that were handed to an opener with a store of its own.
class Opener::KeptGrants final : public GrantSource {
 public:
  GrantPlace keep(ByteView grant) {
    grants_.push_back(to_buffer(grant));
    return {0, static_cast<std::int64_t>(grants_.size()) - 1};
  }
  void drop_last() { grants_.pop_back(); }
  Result<ByteBuffer> fetch(GrantPlace place) override {
    return grants_[static_cast<std::size_t>(place.offset)];
  }
  Result<> catch_up(std::chrono::steady_clock::time_point) override { return {}; }

 private:
  std::vector<ByteBuffer> grants_;
};

struct Opener::Pending {
  OpenOutcome outcome = OpenOutcome::malformed;  // ok: goes on to decrypt()
  bool field = false;
  std::uint32_t sequence = 0;
  NoncePlace place{std::nullopt};
  EpochId id;
  const OpenEpoch* epoch = nullptr;  // the one to try first; null: none is at hand
  ByteView ciphertext;
  ByteView aad;
  Nonce nonce;  // under that epoch
  AadMemory memory;
};

void OpenedBatch::reset(std::size_t sealed_bytes, std::size_t rows) {
  forget();
  // A plaintext with its newline is shorter than its sealed form. One byte more at the start takes
  // the first record's kind.
  std::size_t bytes = 1 + sealed_bytes + kOpenPadding;
  CHECK(bytes <= UINT32_MAX);
  memory_.reserve(bytes);
  memory_.data()[0] = '\n';
  end_ = 1;
  rows_.reserve(rows);
}

void OpenedBatch::forget() {
  used_ = std::max(used_, end_);
  end_ = 0;
  refused_ = 0;
  rows_.clear();
  epochs_.clear();
}

void OpenedBatch::wipe() {
  forget();
  if (used_ > 0 && memory_.size() > 0) penstock::wipe({memory_.data(), used_});
  used_ = 0;
}

void OpenedBatch::finish() {
  std::memset(memory_.data() + end_, 0, kOpenPadding);
}

Opener::Opener(std::unique_ptr<KeptGrants> kept, std::shared_ptr<EpochStore> epochs,
               crypto::GcmScratch scratch, std::int64_t now_s)
    : kept_(std::move(kept)),
      epochs_(std::move(epochs)),
      scratch_(std::move(scratch)),
      now_s_(now_s),
      pending_(std::make_unique<std::array<Pending, 2>>()) {}

Opener::~Opener() = default;

Result<std::unique_ptr<Opener>> Opener::create(OpenerOptions options, const KeySource& keys) {
  auto kept = std::make_unique<KeptGrants>();
  std::shared_ptr<EpochStore> epochs = TRY(EpochStore::create(
      {.topic = std::move(options.topic), .policy_id = options.policy_id, .engine = options.engine},
      keys, *kept));
  return std::unique_ptr<Opener>(new Opener(std::move(kept), std::move(epochs),
                                            TRY(crypto::GcmScratch::create()),
                                            std::numeric_limits<std::int64_t>::min()));
}

Result<std::unique_ptr<Opener>> Opener::create(std::shared_ptr<EpochStore> epochs,
                                               std::int64_t now_ms) {
  crypto::GcmScratch scratch = TRY(crypto::GcmScratch::create());
  std::int64_t now_s = now_ms / kMsPerS;
  std::unique_ptr<Opener> out(new Opener({}, std::move(epochs), std::move(scratch), now_s));
  return out;
}

Result<EpochName> Opener::add_grant(ByteView key, ByteView grant, std::int64_t now_ms) {
  CHECK(kept_ != nullptr);
  std::string doing = fmt::format("topic '{}'", grants_topic(topic()));
  EpochName name = TRY_IN(epoch_name_from(key), doing);
  GrantPlace place = kept_->keep(grant);
  Result<> added = epochs_->add(key, place);
  if (added) added = epochs_->verify_now(name, place, now_ms / kMsPerS);
  if (added) return name;
  kept_->drop_last();
  return fail(added.error().in(doing));
}

void Opener::set_time(std::int64_t now_ms) {
  now_s_ = now_ms / kMsPerS;
  last_ = nullptr;
  slots_ = {};
  retired_ = {};
}

[[gnu::always_inline]] inline const OpenEpoch* Opener::find(EpochId id) {
  if (last_ != nullptr && last_->id == id) [[likely]]
    return last_->epoch.get();
  Slot& slot = slots_[id.value() % slots_.size()];
  if (slot.epoch == nullptr || slot.id != id) {
    Result<std::vector<OpenEpochPtr>> found = epochs_->candidates(id, now_s_);
    if (!found || found->empty()) return nullptr;  // open_otherwise() looks closer
    remember(id, std::move(found->front()));
  }
  last_ = &slot;
  return slot.epoch.get();
}

void Opener::remember(EpochId id, OpenEpochPtr epoch) {
  Slot& slot = slots_[id.value() % slots_.size()];
  retired_[retirements_++ % retired_.size()] = std::move(slot.epoch);
  slot = {id, std::move(epoch)};
  run_ = {};
}

OpenOutcome Opener::open_otherwise(Pending& record, ByteSpan plaintext) {
  bool known = record.epoch != nullptr;
  for (int look = 0; look < 2; ++look) {
    if (look == 1) {
      if (!grants_since_) break;
      auto since = *std::exchange(grants_since_, std::nullopt);
      if (Result<> newer = epochs_->catch_up(since); !newer) {
        trouble_ = newer.error();
        return OpenOutcome::no_keys;
      }
    }
    Result<std::vector<OpenEpochPtr>> found = epochs_->candidates(record.id, now_s_);
    if (!found) {
      trouble_ = found.error();
      return OpenOutcome::no_keys;
    }
    known |= !found->empty();
    for (OpenEpochPtr& epoch : *found) {
      Nonce nonce = epoch->base_iv.with(record.place, record.sequence);
      if (!epoch->aead.open_shared(nonce.view(), record.aad, record.ciphertext, plaintext,
                                   scratch_))
        continue;
      record.epoch = epoch.get();
      remember(record.id, std::move(epoch));
      return OpenOutcome::ok;
    }
  }
  return known ? OpenOutcome::not_authentic : OpenOutcome::unknown_epoch;
}

[[gnu::always_inline]] inline const std::uint8_t* Opener::parse(ByteView sealed,
                                                                std::size_t key_bytes,
                                                                NoncePlace place, Pending& out) {
  if (sealed.data() == nullptr) [[unlikely]] {
    out.outcome = OpenOutcome::bare_null;
    return nullptr;
  }
  if (sealed.size() > kSealedRecordBytesMax || key_bytes > kRecordKeyBytesMax) [[unlikely]] {
    out.outcome = OpenOutcome::too_large;
    return nullptr;
  }
  SealedRecord record;
  if (!parse_record_here(sealed, record)) [[unlikely]] {
    out.outcome = OpenOutcome::malformed;
    return nullptr;
  }
  out.outcome = OpenOutcome::ok;
  out.field = false;
  out.sequence = record.sequence;
  out.place = place;
  out.id = record.epoch;
  out.epoch = find(record.epoch);
  out.ciphertext = record.ciphertext;
  if (out.epoch != nullptr) [[likely]]
    out.nonce = out.epoch->base_iv.with(place, record.sequence);
  return record.protected_header.data();
}

void Opener::take_apart(const RecordContext& context, ByteView sealed, Pending& out) {
  if (context.path && context.path->size() > kFieldPathBytesMax) {
    out.outcome = OpenOutcome::too_large;
    return;
  }
  const std::uint8_t* header = parse(sealed, context.key.size, NoncePlace(context.partition), out);
  if (header == nullptr) return;
  out.field = context.path.has_value();
  out.aad = out.memory.write(context, header);
}

[[gnu::always_inline]] inline OpenOutcome Opener::decrypt(Pending& record, std::uint8_t* at,
                                                          Plain& plain) {
  if (record.outcome != OpenOutcome::ok) [[unlikely]]
    return record.outcome;
  ByteSpan plaintext(at, record.ciphertext.size() - crypto::kGcmTagBytes);
  bool authentic = record.epoch != nullptr &&
                   record.epoch->aead.open_shared(record.nonce.view(), record.aad,
                                                  record.ciphertext, plaintext, scratch_);
  if (!authentic) [[unlikely]] {
    OpenOutcome found = open_otherwise(record, plaintext);
    if (found != OpenOutcome::ok) return found;
  }
  if (record.sequence >= record.epoch->records_max) [[unlikely]] {
    wipe(plaintext);
    return OpenOutcome::unknown_epoch;
  }
  plain.epoch = record.epoch;
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

// Every authentic record counts for its sequence, also one that is refused for what it holds.
inline OpenOutcome Opener::after_guard(OpenOutcome opened, OpenOutcome admitted) {
  return admitted == OpenOutcome::ok ? opened : admitted;
}

[[gnu::always_inline]] inline std::size_t Opener::end_row(Pending& record, std::uint8_t* newline,
                                                          SequenceGuard& guard, OpenedBatch& out,
                                                          Opened& row) {
  // The kind byte lands on the newline before the body and is made one again, so that the body
  // needs no second copy.
  Plain plain;
  OpenOutcome opened = decrypt(record, newline, plain);
  *newline = '\n';
  row.outcome = opened;
  if (plain.epoch != nullptr) [[likely]] {
    if (plain.epoch != run_.epoch) [[unlikely]]
      row.outcome = begin_run(record, plain, opened, guard, out);
    else
      row.outcome = after_guard(opened, guard.admit_next(record.sequence));
    row.epoch = run_.name;
  }
  if (row.outcome == OpenOutcome::ok) [[likely]] {
    row.size = static_cast<std::uint32_t>(plain.size);
    newline[1 + plain.size] = '\n';
    return plain.size + 1;
  }
  out.refused_ += !is_opened(row.outcome);
  if (is_opened(opened) && !is_opened(row.outcome)) wipe({newline + 1, plain.written - 1});
  return 0;
}

OpenOutcome Opener::begin_run(const Pending& record, const Plain& plain, OpenOutcome opened,
                              SequenceGuard& guard, OpenedBatch& out) {
  const OpenOutcome admitted = guard.admit(plain.epoch->name, record.sequence);
  const bool known = admitted != OpenOutcome::too_many_epochs;
  run_ = {.epoch = known ? plain.epoch : nullptr, .name = out.note_epoch(plain.epoch->name)};
  return after_guard(opened, admitted);
}

void Opener::open_batch(const Batch& batch, SequenceGuard& guard, OpenedBatch& out) {
  const std::size_t rows = batch.values.size();
  CHECK(batch.keys.size() == rows);
  CHECK(batch.timestamps_ms.size() == rows);
  std::size_t sealed_bytes = 0;
  for (const Slice& value : batch.values) sealed_bytes += value.size;
  out.reset(sealed_bytes, rows);
  out.rows_.resize(rows);
  run_ = {};
  Pending* record = &pending_->front();
  Pending* next = &pending_->back();
  record->memory.begin(batch.partition);
  next->memory.begin(batch.partition);
  const std::span<const Slice> keys = batch.keys, values = batch.values;
  const std::span<const std::int64_t> timestamps_ms = batch.timestamps_ms;
  const NoncePlace place(batch.partition);
  Opened* opened = out.rows_.data();
  std::uint8_t* newline = out.memory_.data() + out.end_ - 1;
  // The next record is taken apart before one is opened.
  for (std::size_t i = 0; i <= rows; ++i) {
    if (i < rows) {
      const std::uint8_t* header =
          parse({values[i].data, values[i].size}, keys[i].size, place, *next);
      if (header != nullptr) [[likely]]
        next->aad = next->memory.next(keys[i], timestamps_ms[i], header);
    }
    if (i > 0) {
      opened->offset = static_cast<std::uint32_t>(newline + 1 - out.memory_.data());
      newline += end_row(*record, newline, guard, out, *opened);
      ++opened;
    }
    std::swap(record, next);
  }
  out.end_ = static_cast<std::size_t>(newline + 1 - out.memory_.data());
  out.finish();
}

OpenOutcome Opener::open(const RecordContext& context, ByteView sealed, SequenceGuard& guard,
                         ByteBuffer& out) {
  return open_apart(context, sealed, &guard, out);
}

OpenOutcome Opener::open(const RecordContext& context, ByteView sealed, PayloadGuard& guard,
                         ByteBuffer& out) {
  return open_apart(context, sealed, &guard, out);
}

OpenOutcome Opener::open_in_any_order(const RecordContext& context, ByteView sealed,
                                      ByteBuffer& out) {
  return open_apart<SequenceGuard>(context, sealed, nullptr, out);
}

template <typename Guard>
OpenOutcome Opener::open_apart(const RecordContext& context, ByteView sealed, Guard* guard,
                               ByteBuffer& out) {
  Pending& record = pending_->front();
  take_apart(context, sealed, record);
  if (record.outcome != OpenOutcome::ok) return record.outcome;
  std::size_t start = out.size();
  out.resize(start + record.ciphertext.size());
  Plain plain;
  OpenOutcome outcome = decrypt(record, out.data() + start, plain);
  if (guard != nullptr && plain.epoch != nullptr)
    outcome = after_guard(outcome, guard->admit(plain.epoch->name, record.sequence));
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
  return open_apart<SequenceGuard>(context, *sealed, nullptr, out);
}

}  // namespace penstock::seal
