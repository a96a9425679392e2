#include "attest/facts.h"

namespace penstock::attest {

FactCache::ChainPtr FactCache::find(const crypto::Sha256Digest& key) const {
  const std::scoped_lock lock(mutex_);
  const auto found = chains_.find(key);
  return found == chains_.end() ? nullptr : found->second;
}

void FactCache::put(const crypto::Sha256Digest& key, ChainPtr chain) {
  const std::scoped_lock lock(mutex_);
  if (chains_.size() >= kFactsMax) chains_.clear();
  chains_.insert_or_assign(key, std::move(chain));
}

FactCache::CertificatesPtr FactCache::certificates(const crypto::Sha256Digest& key) const {
  const std::scoped_lock lock(mutex_);
  const auto found = certificates_.find(key);
  return found == certificates_.end() ? nullptr : found->second;
}

void FactCache::put(const crypto::Sha256Digest& key, CertificatesPtr certificates) {
  const std::scoped_lock lock(mutex_);
  if (certificates_.size() >= kFactsMax) certificates_.clear();
  certificates_.insert_or_assign(key, std::move(certificates));
}

bool FactCache::knows_signature(const crypto::Sha256Digest& key) const {
  const std::scoped_lock lock(mutex_);
  return signatures_.contains(key);
}

void FactCache::put_signature(const crypto::Sha256Digest& key) {
  const std::scoped_lock lock(mutex_);
  if (signatures_.size() >= kFactsMax) signatures_.clear();
  signatures_.insert(key);
}

std::size_t FactCache::size() const {
  const std::scoped_lock lock(mutex_);
  return chains_.size();
}

}  // namespace penstock::attest
