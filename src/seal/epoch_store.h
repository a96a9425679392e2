// The epochs of one sealed topic under one policy, for all tasks of a process: places of grants for
// all, keys for those in use.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "crypto/aead.h"
#include "seal/grant.h"
#include "seal/grant_table.h"
#include "seal/key_source.h"
#include "seal/limits.h"

namespace penstock::seal {

// Where grants come from. Any thread.
class GrantSource {
 public:
  virtual ~GrantSource() = default;
  // A grant's bytes, once more. not_found: nothing is there any more. Other errors: it cannot be
  // told now.
  virtual Result<ByteBuffer> fetch(GrantPlace place) = 0;
  // Adds what was committed before `since` to the store and is not in it yet.
  virtual Result<> catch_up(std::chrono::steady_clock::time_point since) = 0;
};

struct OpenEpoch;  // open_epoch.h
using OpenEpochPtr = std::shared_ptr<const OpenEpoch>;

struct EpochStoreOptions {
  std::string topic = {};
  std::string policy_id = {};
  crypto::AeadEngine engine = crypto::AeadEngine::best;
  std::size_t grants_max = kGrantsMax;
  std::size_t ciphers_max = kCiphersMax;
};

// Thread-safe. A grant is verified and unwrapped when a record of its epoch comes (60 to 100 us),
// outside the lock. The ciphers used last are kept; others are unwrapped again when needed.
class EpochStore final : private ProducerKeys {
 public:
  // The source outlives the store; `keys` is not kept. not_found: policy; permission_denied: topic
  // not covered, or no reader key.
  static Result<std::unique_ptr<EpochStore>> create(EpochStoreOptions options,
                                                    const KeySource& keys, GrantSource& source);

  // A record of `<topic>.grants`, by its key: an epoch's name. limit_exceeded: no more can be
  // followed; the reader must stop, or authentic records would be lost. Others concern this grant
  // only, which is passed over: invalid_argument: not an epoch's name; permission_denied: the
  // policy does not name that producer.
  Result<> add(ByteView key, GrantPlace place);

  // The epochs with this id whose grants verify, are for this topic, policy and reader, and have
  // not ended: usually one. A record belongs to the one under which it opens. Grants that do not
  // verify are logged and forgotten. Errors stop the reader: a grant that could not be fetched; no
  // memory for its keys; corrupt: a grant that had verified is gone or changed.
  Result<std::vector<OpenEpochPtr>> candidates(EpochId id, std::int64_t now_s);

  // Whether candidates() has an epoch of this name. Errors as there.
  Result<bool> verifies(const EpochName& name, std::int64_t now_s);

  // New grants; see GrantSource. limit_exceeded: as add().
  Result<> catch_up(std::chrono::steady_clock::time_point since) { return source_.catch_up(since); }

  // Verifies a grant at once that was added with this place. Errors as open_grant(), and
  // already_exists: a grant with another secret has its name; the grant is forgotten then. The same
  // grant once more is well, and kept once.
  Result<> verify_now(const EpochName& name, GrantPlace place, std::int64_t now_s);

  const std::string& topic() const { return options_.topic; }
  const Policy& policy() const { return policy_; }

  struct Figures {
    std::size_t grants = 0;       // followed
    std::size_t ciphers = 0;      // kept
    std::size_t table_bytes = 0;  // of the places
    std::uint64_t verified = 0;   // verifications that went well
    std::uint64_t refused = 0;    // grants that were forgotten
  };
  Figures figures() const;

 private:
  using Index = GrantTable::Index;
  struct Cipher {
    OpenEpochPtr epoch;
    std::list<Index>::iterator use;  // in uses_
  };
  // A grant on the way through candidates().
  struct Candidate {
    Index index = GrantTable::kNone;
    GrantTable::Grant grant;
    OpenEpochPtr epoch;  // null: it has no cipher now
  };

  EpochStore(EpochStoreOptions options, Policy policy, crypto::P256PrivateKey reader,
             GrantSource& source, std::uint64_t seed);

  const crypto::P256PublicKey* find(ByteView thumbprint) const override;
  std::vector<Candidate> collect(EpochId id);
  Result<OpenEpochPtr> unwrap(const GrantTable::Grant& grant) const;
  // Gives a candidate its cipher; none when it is a copy of another one of `all`. Errors as
  // unwrap(), and already_exists.
  Result<> settle(Candidate& candidate, std::span<const Candidate> all);
  void forget(const Candidate& candidate);
  void forget_copy(const Candidate& copy, const Candidate& kept);
  bool is_still(const Candidate& candidate) const;    // held: mutex_
  void keep(Index index, const OpenEpochPtr& epoch);  // held: mutex_

  const EpochStoreOptions options_;
  const Policy policy_;
  const crypto::P256PrivateKey reader_;
  GrantSource& source_;
  std::vector<crypto::Thumbprint> producers_;               // of the policy, in its order
  std::unordered_map<std::string, std::uint16_t> numbers_;  // in producers_, by thumbprint

  mutable std::mutex mutex_;
  GrantTable table_;
  std::unordered_map<Index, Cipher> ciphers_;
  std::list<Index> uses_;  // most recently used first
  std::uint64_t verified_ = 0, refused_ = 0;
};

}  // namespace penstock::seal
