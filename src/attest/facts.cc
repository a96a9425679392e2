#include "attest/facts.h"

#include <algorithm>

namespace penstock::attest {
namespace {

// A signature that was good: that it is there says all.
struct GoodSignature {};

constexpr std::size_t kFactOverheadBytes = 160;  // of the map and the pointers

crypto::Sha256Digest signature_content(SignedThing thing, const crypto::PublicKey& key,
                                       const crypto::Sha256Digest& content) {
  std::array<std::uint8_t, 65> parts{static_cast<std::uint8_t>(thing)};
  std::ranges::copy(key.id(), parts.begin() + 1);
  std::ranges::copy(content, parts.begin() + 33);
  return crypto::sha256(parts);
}

}  // namespace

void FactCache::keep(const Key& key, Fact fact) const {
  if (fact.bytes > bytes_max_ / 2) return;
  if (young_.bytes + fact.bytes > bytes_max_ / 2) {
    old_ = std::move(young_);
    young_ = {};
  }
  const std::size_t bytes = fact.bytes;
  if (young_.facts.insert_or_assign(key, std::move(fact)).second) young_.bytes += bytes;
}

std::shared_ptr<const void> FactCache::find(const Key& key) const {
  const std::scoped_lock lock(mutex_);
  if (const auto found = young_.facts.find(key); found != young_.facts.end())
    return found->second.value;
  const auto found = old_.facts.find(key);
  if (found == old_.facts.end()) return nullptr;
  Fact fact = std::move(found->second);
  old_.bytes -= fact.bytes;
  old_.facts.erase(found);
  const std::shared_ptr<const void> out = fact.value;
  keep(key, std::move(fact));
  return out;
}

void FactCache::put(const Key& key, std::shared_ptr<const void> value, std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  keep(key, {std::move(value), bytes + kFactOverheadBytes});
}

bool FactCache::knows_signature(SignedThing thing, const crypto::PublicKey& key,
                                const crypto::Sha256Digest& content) const {
  return find<GoodSignature>(signature_content(thing, key, content)) != nullptr;
}

void FactCache::put_signature(SignedThing thing, const crypto::PublicKey& key,
                              const crypto::Sha256Digest& content) {
  static const auto kGood = std::make_shared<const GoodSignature>();
  put<GoodSignature>(signature_content(thing, key, content), kGood, 0);
}

std::size_t FactCache::size() const {
  const std::scoped_lock lock(mutex_);
  return young_.facts.size() + old_.facts.size();
}

std::size_t FactCache::bytes() const {
  const std::scoped_lock lock(mutex_);
  return young_.bytes + old_.bytes;
}

}  // namespace penstock::attest
