// Secrets at rest: each is sealed with AES-256-GCM under a key derived from the root key, bound to
// its name and version. Providers of root keys that need a network (KMS) live in the manager.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/secret.h"
#include "crypto/random.h"

namespace penstock::keys {

class RootKeyProvider {
 public:
  virtual ~RootKeyProvider() = default;
  virtual Result<SecretBuffer> root_key() = 0;  // 32 bytes
};

// Thread-safe.
class Vault {
 public:
  static Result<std::unique_ptr<Vault>> open(RootKeyProvider& provider);

  // salt || ciphertext || tag, under a fresh key per call (HKDF with that random salt).
  Result<ByteBuffer> seal(std::string_view name, std::int64_t version, ByteView secret,
                          crypto::RandomSource& random) const;
  // not_authentic: another name or version, changed bytes, another root key.
  Result<SecretBuffer> open_secret(std::string_view name, std::int64_t version,
                                   ByteView sealed) const;

 private:
  explicit Vault(SecretBuffer root) : root_(std::move(root)) {}
  SecretBuffer root_;
};

}  // namespace penstock::keys
