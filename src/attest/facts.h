// What content alone decides, kept between judgements: what was read from bytes, and which
// signatures were good. By SHA-256 of all the bytes (and the id of the key). Times, revocation,
// levels and policy are never kept, and nothing that was malformed or whose signature was wrong.
// Any thread.
#pragma once

#include <compare>
#include <map>
#include <memory>
#include <mutex>
#include <typeindex>

#include "attest/limits.h"
#include "crypto/chain.h"

namespace penstock::attest {

// What a signature was verified over, so that no fact of one kind answers for another.
enum class SignedThing : std::uint8_t { certificate, crl, document };

class FactCache {
 public:
  explicit FactCache(std::size_t bytes_max = kFactBytesMax) : bytes_max_(bytes_max) {}

  // null: not known.
  template <typename T>
  std::shared_ptr<const T> find(const crypto::Sha256Digest& content) const {
    return std::static_pointer_cast<const T>(find({typeid(T), content}));
  }
  // `bytes`: about how much memory it holds.
  template <typename T>
  void put(const crypto::Sha256Digest& content, std::shared_ptr<const T> fact, std::size_t bytes) {
    put({typeid(T), content}, std::move(fact), bytes);
  }

  // Signatures that were good. `content`: of all that was signed and of the signature.
  bool knows_signature(SignedThing thing, const crypto::PublicKey& key,
                       const crypto::Sha256Digest& content) const;
  void put_signature(SignedThing thing, const crypto::PublicKey& key,
                     const crypto::Sha256Digest& content);

  std::size_t size() const;   // facts
  std::size_t bytes() const;  // at most bytes_max

 private:
  struct Key {
    std::type_index type;
    crypto::Sha256Digest content;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Fact {
    std::shared_ptr<const void> value;
    std::size_t bytes = 0;
  };
  // Two generations: what is asked for moves to the young one; a full young one becomes the old,
  // which is forgotten. So junk that strangers send pushes out only what nobody asks for.
  struct Generation {
    std::map<Key, Fact> facts;
    std::size_t bytes = 0;
  };

  std::shared_ptr<const void> find(const Key& key) const;
  void put(const Key& key, std::shared_ptr<const void> value, std::size_t bytes);
  void keep(const Key& key, Fact fact) const;  // locked

  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  mutable Generation young_, old_;
};

}  // namespace penstock::attest
