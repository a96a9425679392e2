// Keys in a file, for tools and development (`--keys FILE`).
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/secret.h"
#include "crypto/random.h"
#include "seal/key_source.h"

namespace penstock::seal {

// File (JSON): {"policies": [<policy document> | "<path, relative to the file>"],
//   "policy_keys": {"<policy id>": <private JWK>}, "producer_keys": {"<policy id>": <private
//   JWK>}, "state_key": "<base64url of 32 bytes>", "secrets": {"<name>": "<text>"}}. Secrets are
// what connectors log in with elsewhere (passwords, private keys).
// Every member may be missing, others are refused. A policy key must be one of its policy's readers
// and a producer key one of its producers.
class KeyRing final : public KeySource {
 public:
  KeyRing() = default;

  // Adding happens before the ring is shared. already_exists / permission_denied (key not named).
  Result<> add_policy(Policy policy);
  Result<> set_reader_key(std::string_view policy_id, crypto::P256PrivateKey key);
  Result<> set_producer_key(std::string_view policy_id, crypto::P256PrivateKey key);
  // invalid_argument: not kStateKeyBytes.
  Result<> set_state_key(SecretBuffer key);
  // invalid_argument: a name that is empty or too long, or a value that is too large.
  Result<> set_secret(std::string_view name, SecretBuffer value);
  Result<SecretBuffer> secret(std::string_view name) const;  // a copy; not_found

  Result<const Policy*> policy(std::string_view policy_id) const override;
  const crypto::P256PrivateKey* reader_key(std::string_view policy_id) const override;
  const crypto::P256PrivateKey* producer_key(std::string_view policy_id) const override;
  std::vector<std::string> policy_ids() const override;
  std::vector<std::string> secret_names() const;  // sorted
  ByteView state_key() const override { return state_key_.view(); }

 private:
  using Keys = std::map<std::string, crypto::P256PrivateKey, std::less<>>;
  std::map<std::string, Policy, std::less<>> policies_;
  Keys reader_keys_;
  Keys producer_keys_;
  SecretBuffer state_key_;
  std::map<std::string, SecretBuffer, std::less<>> secrets_;
};

// Refuses (permission_denied) a file that group or others may read or write, a link, or another
// user's file.
Result<KeyRing> load_keys(const std::filesystem::path& path);

// Which secrets go into a file: a producer gets only the producer keys.
struct KeyFileParts {
  bool policy_keys = true;
  bool producer_keys = true;
  bool state_key = true;
  bool secrets = true;
};
// Writes with mode 0600; already_exists when the file is there (keys are never overwritten).
Result<> write_keys(const KeyRing& ring, const std::filesystem::path& path, KeyFileParts parts);

// For whoever runs queries with the keys of a file. failed_precondition: it has no state key; the
// text says how it gets one.
Result<> require_state_key(const KeyRing& ring, const std::filesystem::path& path);
// Puts a fresh state key into a key file, which is replaced at once and stays as private as it was.
// already_exists: it has one, and the states that it binds would be lost. Errors of load_keys.
Result<> add_state_key(const std::filesystem::path& path, crypto::RandomSource& random);

}  // namespace penstock::seal
