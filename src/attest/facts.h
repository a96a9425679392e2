// Facts that content and anchors alone decide, kept between judgements: chains whose signatures
// were checked. Times, revocation and policy are never kept. Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "attest/limits.h"
#include "crypto/chain.h"

namespace penstock::attest {

class FactCache {
 public:
  using ChainPtr = std::shared_ptr<const crypto::Chain>;
  // null: not known.
  ChainPtr find(const crypto::Sha256Digest& key) const;
  // Forgets everything when kFactsMax are kept.
  void put(const crypto::Sha256Digest& key, ChainPtr chain);
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::map<crypto::Sha256Digest, ChainPtr> chains_;
};

}  // namespace penstock::attest
