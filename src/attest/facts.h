// Facts that content and anchors alone decide, kept between judgements: chains whose signatures
// were checked. Times, revocation and policy are never kept. Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

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

  // The certificates of a bundle, by its bytes.
  using CertificatesPtr = std::shared_ptr<const std::vector<crypto::PkixCertificate>>;
  CertificatesPtr certificates(const crypto::Sha256Digest& key) const;
  void put(const crypto::Sha256Digest& key, CertificatesPtr certificates);
  // Signatures that were good, by key and all that was signed.
  bool knows_signature(const crypto::Sha256Digest& key) const;
  void put_signature(const crypto::Sha256Digest& key);

 private:
  mutable std::mutex mutex_;
  std::map<crypto::Sha256Digest, ChainPtr> chains_;
  std::map<crypto::Sha256Digest, CertificatesPtr> certificates_;
  std::set<crypto::Sha256Digest> signatures_;
};

}  // namespace penstock::attest
