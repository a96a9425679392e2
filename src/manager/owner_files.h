// The manager's data folder: the owner's key and token, the CAs, the keys that sign and seal.
//   admin.token      login of the admin API        owner.key.pem   the owner's signing key; may be
//   root.key         seals the secrets                             moved away after the first start
//   ca.key.pem ca.pem      the manager's own TLS   token.key.pem   signs what guests show
//   workload-ca.key.pem workload-ca.pem            of enclaves' certificates (ca_files.h)
//   manager.sqlite   everything else (store.h)     LOCK            held while a manager runs
//   address          where it listens, at each start
// Which files these are stands in the store (trust_files.h): none can be put in another's place.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/secret.h"
#include "crypto/ec.h"
#include "crypto/random.h"
#include "crypto/x509.h"
#include "keys/vault.h"
#include "manager/ca_files.h"

namespace penstock::manager {

// Held for a process's life; the kernel lets go of it with the process.
class FolderLock {
 public:
  // busy: another manager holds the folder; the text names its process.
  static Result<FolderLock> take(const std::filesystem::path& folder);

 private:
  explicit FolderLock(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
};

// What a folder is made as, at its first start.
struct FolderSpec {
  bool development = false;
  std::vector<std::string> workload_names = {};  // that the workload CA may certify (CaSpec)
};

// The folder's secrets. Read by any thread; replaced by a rotation alone, see replace_*().
class OwnerFiles {
 public:
  // Makes the folder (mode 0700) and whatever is missing, if the store was not made yet; the CAs
  // then carry the mark of a development manager or not. With a store, a missing file is
  // failed_precondition: it must come from a backup. failed_precondition too: there is no store,
  // and the CA that is there was made for the other kind of manager.
  // permission_denied: the folder or a secret file belongs to somebody else or may be read by
  // others; the text says how to put that right.
  static Result<OwnerFiles> open(const std::filesystem::path& folder, const FolderSpec& spec,
                                 const Clock& clock, crypto::RandomSource& random);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path database() const { return folder_ / "manager.sqlite"; }
  const SecretBuffer& admin_token() const { return admin_token_; }  // its text
  // Absent once the owner has moved owner.key.pem away; the store remembers its public part.
  const std::optional<crypto::P256PublicKey>& owner_key() const { return owner_key_; }
  const SecretBuffer& root_key() const { return root_key_; }
  CaFiles& cas() const { return *cas_; }  // changed by a rotation alone
  AuthorityPtr ca() const { return cas_->present(CaKind::manager); }
  AuthorityPtr workload_ca() const { return cas_->present(CaKind::workload); }
  const crypto::P256PrivateKey& token_key() const { return *token_key_; }

  Result<> write_address(std::string_view url) const;

  // A rotation writes the successor beside the file, then the store names it, then it takes the
  // file's place; a start after a crash in between finishes that (Store::open). Both are on disk
  // when they return.
  Result<> write_successor(std::string_view file, ByteView contents) const;
  Result<> take_successor(std::string_view file) const;
  bool has_successor(std::string_view file) const;
  Result<> remove_owner_key() const;
  bool was_restored() const;  // from a backup, since the last start
  Result<> forget_restore() const;
  Result<> read();  // all files again

 private:
  explicit OwnerFiles(std::filesystem::path folder, FolderLock lock)
      : folder_(std::move(folder)),
        lock_(std::move(lock)),
        cas_(std::make_unique<CaFiles>(folder_)) {}
  Result<> make_missing(const FolderSpec& spec, const Clock& clock,
                        crypto::RandomSource& random) const;

  std::filesystem::path folder_;
  FolderLock lock_;
  SecretBuffer admin_token_, root_key_;
  std::optional<crypto::P256PublicKey> owner_key_;
  std::unique_ptr<CaFiles> cas_;
  std::optional<crypto::P256PrivateKey> token_key_;
};

// Names of the files that a rotation replaces.
inline constexpr std::string_view kAdminTokenFile = "admin.token";
inline constexpr std::string_view kTokenKeyFile = "token.key.pem";

inline constexpr std::string_view kBackupFile = "manager.sqlite.backup";
inline constexpr std::string_view kRestoredFile = "restored";  // made by `penstock manager restore`

// A new admin token, as its file holds it.
Result<SecretBuffer> make_admin_token(crypto::RandomSource& random);

// The root key of the file root.key. Outlived by the files.
class FileRootKey final : public keys::RootKeyProvider {
 public:
  explicit FileRootKey(const OwnerFiles& files) : files_(files) {}
  Result<SecretBuffer> root_key() override { return files_.root_key().create_clone(); }

 private:
  const OwnerFiles& files_;
};

}  // namespace penstock::manager
