#include "seal/epoch_store.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "crypto/random.h"
#include "seal/open_epoch.h"

namespace penstock::seal {
namespace {

// Errors that say that a grant is worth nothing. Others may pass.
bool is_refusal(const Error& error) {
  switch (error.code()) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
    case ErrorCode::already_exists:
    case ErrorCode::failed_precondition:
    case ErrorCode::permission_denied:
    case ErrorCode::limit_exceeded:
    case ErrorCode::not_authentic:
    case ErrorCode::not_found:  // taken away by whoever holds the log, or by compaction
      return true;
    default:
      return false;
  }
}

}  // namespace

EpochStore::EpochStore(EpochStoreOptions options, Policy policy, crypto::P256PrivateKey reader,
                       GrantSource& source, std::uint64_t seed)
    : options_(std::move(options)),
      policy_(std::move(policy)),
      reader_(std::move(reader)),
      source_(source),
      table_(options_.grants_max, seed) {
  for (const crypto::P256PublicKey& producer : policy_.producers()) {
    crypto::Thumbprint thumbprint = producer.thumbprint();
    numbers_.emplace(as_text(thumbprint), static_cast<std::uint16_t>(producers_.size()));
    producers_.push_back(thumbprint);
  }
}

Result<std::unique_ptr<EpochStore>> EpochStore::create(EpochStoreOptions options,
                                                       const KeySource& keys, GrantSource& source) {
  std::string doing = fmt::format("opening topic '{}'", options.topic);
  const Policy* policy = TRY_IN(keys.policy(options.policy_id), doing);
  if (!policy->covers(options.topic))
    return fail(ErrorCode::permission_denied,
                fmt::format("{}: policy '{}' does not cover it", doing, options.policy_id));
  const crypto::P256PrivateKey* reader = keys.reader_key(options.policy_id);
  if (reader == nullptr)
    return fail(
        ErrorCode::permission_denied,
        fmt::format("{}: no policy key for '{}'; give one with --keys", doing, options.policy_id));
  CHECK(options.ciphers_max > 0);
  std::array<std::uint8_t, 8> seed;
  TRY_IN(crypto::system_random().fill(seed), doing);
  return std::unique_ptr<EpochStore>(new EpochStore(
      std::move(options), *policy, TRY(reader->create_clone()), source, load_u64(seed.data())));
}

Result<> EpochStore::add(ByteView key, GrantPlace place) {
  EpochName name = TRY(epoch_name_from(key));
  auto number = numbers_.find(std::string(as_text(name.producer)));
  if (number == numbers_.end())
    return fail(ErrorCode::permission_denied,
                fmt::format("policy '{}' does not name the producer with thumbprint {}",
                            policy_.id(), to_hex(name.producer)));
  std::lock_guard lock(mutex_);
  TRY_IN(table_.add(name.epoch, number->second, place),
         fmt::format("topic '{}'", grants_topic(options_.topic)));
  return {};
}

std::vector<EpochStore::Candidate> EpochStore::collect(EpochId id) {
  std::lock_guard lock(mutex_);
  std::vector<Candidate> out;
  for (Index index = table_.first(id); index != GrantTable::kNone; index = table_[index].next) {
    Candidate& candidate = out.emplace_back(index, table_[index], nullptr);
    auto cipher = ciphers_.find(index);
    if (cipher == ciphers_.end()) continue;
    candidate.epoch = cipher->second.epoch;
    uses_.splice(uses_.begin(), uses_, cipher->second.use);
  }
  return out;
}

const crypto::P256PublicKey* EpochStore::find(ByteView thumbprint) const {
  auto number = numbers_.find(std::string(as_text(thumbprint)));
  return number != numbers_.end() ? &policy_.producers()[number->second] : nullptr;
}

Result<OpenEpochPtr> EpochStore::unwrap(const GrantTable::Grant& grant) const {
  const crypto::Thumbprint& producer = producers_[grant.producer];
  ByteBuffer bytes = TRY(source_.fetch(grant.place()));
  GrantExpectation expected{.topic = options_.topic,
                            .policy_id = policy_.id(),
                            .policy_digest = policy_.digest(),
                            .schema_required = policy_.schema_required(),
                            // When it ends is looked at for each use.
                            .now_s = std::numeric_limits<std::int64_t>::min()};
  OpenedGrant opened = TRY(open_grant(bytes, *this, reader_, expected));
  EpochName name{producer, EpochId(grant.epoch)};
  if (opened.name() != name)
    return fail(ErrorCode::failed_precondition,
                "grant: it is for another epoch, or by another producer, than its record's key "
                "says");
  auto out = std::make_shared<OpenEpoch>(
      OpenEpoch{.name = name,
                .aead = TRY(crypto::Aes256Gcm::create(opened.keys.key(), options_.engine)),
                .base_iv = Nonce(opened.keys.base_iv()),
                .not_after_s = std::min(opened.spec.not_after_s, policy_.not_after_s()),
                .records_max = opened.spec.records_max});
  std::ranges::copy(opened.keys.commit(), out->commit.begin());
  return out;
}

bool EpochStore::is_still(const Candidate& candidate) const {
  for (Index index = table_.first(EpochId(candidate.grant.epoch)); index != GrantTable::kNone;
       index = table_[index].next)
    if (index == candidate.index) return table_[index].is(candidate.grant);
  return false;
}

void EpochStore::keep(Index index, const OpenEpochPtr& epoch) {
  table_.set_verified(index);
  auto [at, added] = ciphers_.try_emplace(index);
  if (!added) return;  // another thread was faster
  uses_.push_front(index);
  at->second = {epoch, uses_.begin()};
  if (ciphers_.size() <= options_.ciphers_max) return;
  ciphers_.erase(uses_.back());
  uses_.pop_back();
}

// Of two copies the newer one is remembered, since compaction keeps that.
void EpochStore::forget_copy(const Candidate& copy, const Candidate& kept) {
  std::lock_guard lock(mutex_);
  if (!is_still(copy) || !is_still(kept)) return;
  if (copy.grant.partition == kept.grant.partition && copy.grant.offset > kept.grant.offset)
    table_.set_place(kept.index, copy.grant.place());
  table_.remove(copy.index);
}

void EpochStore::forget(const Candidate& candidate) {
  std::lock_guard lock(mutex_);
  if (!is_still(candidate)) return;
  auto cipher = ciphers_.find(candidate.index);
  if (cipher != ciphers_.end()) {
    uses_.erase(cipher->second.use);
    ciphers_.erase(cipher);
  }
  table_.remove(candidate.index);
  ++refused_;
}

Result<> EpochStore::settle(Candidate& candidate, std::span<const Candidate> before) {
  Result<OpenEpochPtr> opened = unwrap(candidate.grant);
  if (opened) {
    for (const Candidate& other : before) {
      if (other.epoch == nullptr || other.epoch->name != (*opened)->name) continue;
      if (equal_constant_time(other.epoch->commit, (*opened)->commit)) {
        forget_copy(candidate, other);
        return {};
      }
      opened = fail(ErrorCode::already_exists,
                    fmt::format("grant: another one with another secret has its name, epoch {}",
                                to_text(other.epoch->name)));
      break;
    }
  }
  if (opened) {
    std::lock_guard lock(mutex_);
    ++verified_;
    if (is_still(candidate)) keep(candidate.index, *opened);
    candidate.epoch = std::move(*opened);
    return {};
  }
  bool gone = opened.error().code() == ErrorCode::not_found;
  if (candidate.grant.verified && !gone && is_refusal(opened.error()))
    return fail(
        ErrorCode::corrupt,
        fmt::format("the grant of epoch {} had verified and does not any more: {}",
                    to_hex(to_bytes(EpochId(candidate.grant.epoch))), opened.error().text()));
  if (is_refusal(opened.error())) forget(candidate);
  return fail(opened.error());
}

Result<std::vector<OpenEpochPtr>> EpochStore::candidates(EpochId id, std::int64_t now_s) {
  std::vector<Candidate> all = collect(id);
  std::vector<OpenEpochPtr> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Candidate& candidate = all[i];
    if (candidate.epoch == nullptr) {
      Result<> settled = settle(candidate, all);
      if (!settled) {
        Error error = settled.error().in(
            fmt::format("topic '{}', partition {}, offset {}", grants_topic(options_.topic),
                        candidate.grant.partition, candidate.grant.offset));
        if (!is_refusal(error)) return fail(error);
        log::warning("grant refused", {{"topic", log::Public(options_.topic)}, {"error", error}});
      }
    }
    if (candidate.epoch != nullptr && candidate.epoch->not_after_s >= now_s)
      out.push_back(candidate.epoch);
  }
  return out;
}

Result<bool> EpochStore::verifies(const EpochName& name, std::int64_t now_s) {
  const std::vector<OpenEpochPtr> found = TRY(candidates(name.epoch, now_s));
  return std::ranges::any_of(found, [&](const OpenEpochPtr& one) { return one->name == name; });
}

Result<> EpochStore::verify_now(const EpochName& name, GrantPlace place, std::int64_t now_s) {
  std::vector<Candidate> all = collect(name.epoch);
  for (Candidate& candidate : all) {
    if (candidate.grant.place() != place || candidate.epoch != nullptr) continue;
    TRY(settle(candidate, all));
    if (candidate.epoch == nullptr || candidate.epoch->not_after_s >= now_s) return {};
    std::int64_t ended_s = candidate.epoch->not_after_s;
    forget(candidate);
    return fail(ErrorCode::failed_precondition,
                fmt::format("grant: it or its policy ended at {} (Unix seconds), now is {}",
                            ended_s, now_s));
  }
  return {};
}

EpochStore::Figures EpochStore::figures() const {
  std::lock_guard lock(mutex_);
  return {.grants = table_.size(),
          .ciphers = ciphers_.size(),
          .table_bytes = table_.memory_bytes(),
          .verified = verified_,
          .refused = refused_};
}

}  // namespace penstock::seal
