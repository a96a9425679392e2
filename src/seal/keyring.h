// Keys in a file, for tools and development (`--keys FILE`).
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "seal/key_source.h"

namespace penstock::seal {

// File (JSON): {"policies": [<policy document> | "<path, relative to the file>"],
//   "policy_keys": {"<policy id>": <private JWK>}, "producer_keys": {"<policy id>": <private
//   JWK>}}.
// Every member may be missing, others are refused. A policy key must be one of its policy's readers
// and a producer key one of its producers.
class KeyRing final : public KeySource {
 public:
  KeyRing() = default;

  // Adding happens before the ring is shared. already_exists / permission_denied (key not named).
  Result<> add_policy(Policy policy);
  Result<> set_reader_key(std::string_view policy_id, crypto::P256PrivateKey key);
  Result<> set_producer_key(std::string_view policy_id, crypto::P256PrivateKey key);

  Result<const Policy*> policy(std::string_view policy_id) const override;
  const crypto::P256PrivateKey* reader_key(std::string_view policy_id) const override;
  const crypto::P256PrivateKey* producer_key(std::string_view policy_id) const override;
  std::vector<std::string> policy_ids() const override;

 private:
  using Keys = std::map<std::string, crypto::P256PrivateKey, std::less<>>;
  std::map<std::string, Policy, std::less<>> policies_;
  Keys reader_keys_;
  Keys producer_keys_;
};

// Refuses (permission_denied) a file that group or others may read or write, a link, or another
// user's file.
Result<KeyRing> load_keys(const std::filesystem::path& path);

// Which secrets go into a file: a producer gets only the producer keys.
struct KeyFileParts {
  bool policy_keys = true;
  bool producer_keys = true;
};
// Writes with mode 0600; already_exists when the file is there (keys are never overwritten).
Result<> write_keys(const KeyRing& ring, const std::filesystem::path& path, KeyFileParts parts);

}  // namespace penstock::seal
