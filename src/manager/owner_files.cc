#include "manager/owner_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/private_file.h"
#include "keys/manager_ca.h"
#include "manager/key_files.h"

namespace penstock::manager {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kRootKeyBytes = 32;
constexpr const char* kOwnerKey = "owner.key.pem";
constexpr const char* kRootKey = "root.key";
constexpr std::string_view kCaFile = "ca.pem", kCaKeyFile = "ca.key.pem";
constexpr std::string_view kWorkloadCaFile = "workload-ca.pem";
constexpr std::string_view kWorkloadCaKeyFile = "workload-ca.key.pem";
constexpr const char* kNext = ".next";  // of a rotation that is under way

// Ours, and closed to everybody else.
Result<> check_private_folder(const fs::path& path) {
  struct stat seen{};
  if (::lstat(path.c_str(), &seen) != 0) return fail(os_error("looking at", path, errno));
  if (!S_ISDIR(seen.st_mode)) {
    return fail(ErrorCode::failed_precondition, fmt::format("'{}' is not a folder", path.string()));
  }
  if (seen.st_uid != ::geteuid()) {
    return fail(ErrorCode::permission_denied,
                fmt::format("'{}' belongs to user {}, not to {} who runs the manager: give it to "
                            "that user",
                            path.string(), seen.st_uid, ::geteuid()));
  }
  if ((seen.st_mode & 077) != 0) {
    return fail(ErrorCode::permission_denied,
                fmt::format("'{}' has mode {:04o}, so others on this machine may read it: chmod "
                            "0700 it, and make new keys if somebody has",
                            path.string(), seen.st_mode & 07777));
  }
  return {};
}

Result<> make_folder(const fs::path& folder) {
  std::error_code error;
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(os_error("creating the folder", folder, errno));
  return check_private_folder(folder);
}

Result<> make_token(const fs::path& path, crypto::RandomSource& random) {
  if (TRY(is_there(path))) return {};
  return write_new_file(path, TRY(make_admin_token(random)).view(), 0600);
}

Result<> make_root_key(const fs::path& path, crypto::RandomSource& random) {
  if (TRY(is_there(path))) return {};
  SecretBuffer bytes = TRY(SecretBuffer::create(kRootKeyBytes));
  TRY(random.fill(bytes.span()));
  return write_new_file(path, bytes.view(), 0600);
}

Result<SecretBuffer> without_line_end(const SecretBuffer& text) {
  ByteView view = text.view();
  while (!view.empty() && (view.back() == '\n' || view.back() == '\r'))
    view = view.first(view.size() - 1);
  return SecretBuffer::create_copy(view);
}

}  // namespace

Result<FolderLock> FolderLock::take(const fs::path& folder) {
  const fs::path path = folder / "LOCK";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return fail(os_error("opening", path, errno));
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return fail(os_error("locking", path, errno));
    std::string holder = read_file(path, 64).value_or("");
    while (holder.ends_with('\n')) holder.pop_back();
    return fail(ErrorCode::busy,
                fmt::format("'{}' is held by another penstock-manager (process {}): stop it first",
                            folder.string(), holder.empty() ? "starting" : holder));
  }
  const std::string self = fmt::format("{}\n", ::getpid());
  if (::ftruncate(file.get(), 0) != 0 ||
      ::pwrite(file.get(), self.data(), self.size(), 0) != static_cast<ssize_t>(self.size())) {
    return fail(os_error("writing", path, errno));
  }
  return FolderLock(std::move(file));
}

Result<SecretBuffer> make_admin_token(crypto::RandomSource& random) {
  SecretBuffer bytes = TRY(SecretBuffer::create(kTokenBytes));
  TRY(random.fill(bytes.span()));
  std::string text = to_base64url(bytes.view()) + "\n";
  Result<SecretBuffer> token = SecretBuffer::create_copy(as_bytes(text));
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return token;
}

Result<OwnerFiles> OwnerFiles::open(const fs::path& folder, const FolderSpec& spec,
                                    const Clock& clock, crypto::RandomSource& random) {
  TRY(make_folder(folder));
  OwnerFiles files(folder, TRY(FolderLock::take(folder)));
  // The store is made last, so a first start that was killed goes on where it was.
  const bool first = !TRY(is_there(files.database()));
  if (first) TRY(files.make_missing(spec, clock, random));
  TRY(files.read());
  // Without its store a CA must not become that of another kind of manager: clients pin it.
  for (const CaKind kind : kCaKinds) {
    const AuthorityPtr ca = files.cas().present(kind);
    if (!first || keys::is_development_ca(ca->certificate) == spec.development) continue;
    return fail(ErrorCode::failed_precondition,
                fmt::format("'{}' has no store (manager.sqlite), and its CA is '{}', made {} "
                            "--development: bring the store back from a backup, or take another "
                            "--data folder",
                            folder.string(), ca->certificate.common_name(),
                            spec.development ? "without" : "with"));
  }
  return files;
}

Result<> OwnerFiles::make_missing(const FolderSpec& spec, const Clock& clock,
                                  crypto::RandomSource& random) const {
  TRY(make_token(folder_ / kAdminTokenFile, random));
  TRY(make_key_file(folder_ / kOwnerKey, random));
  TRY(make_root_key(folder_ / kRootKey, random));
  TRY(make_key_file(folder_ / kTokenKeyFile, random));
  for (const CaKind kind : kCaKinds) {
    TRY(cas_->make_missing(
        {.kind = kind, .development = spec.development, .permitted = spec.workload_names}, clock,
        random));
  }
  return {};
}

Result<> OwnerFiles::read() {
  for (const std::string_view name : {kAdminTokenFile, std::string_view(kRootKey), kTokenKeyFile,
                                      kCaKeyFile, kCaFile, kWorkloadCaKeyFile, kWorkloadCaFile}) {
    if (TRY(is_there(folder_ / name))) continue;
    return fail(ErrorCode::failed_precondition,
                fmt::format("'{}' is missing but its store exists: bring the file back from a "
                            "backup; nothing is made anew in its place",
                            (folder_ / name).string()));
  }
  admin_token_ = TRY(without_line_end(TRY(read_secret_file(folder_ / kAdminTokenFile))));
  if (admin_token_.size() < kTokenBytes) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' is too short for a token: at least {} characters are needed",
                            (folder_ / kAdminTokenFile).string(), kTokenBytes));
  }
  root_key_ = TRY(read_secret_file(folder_ / kRootKey));
  if (root_key_.size() != kRootKeyBytes) {
    return fail(ErrorCode::corrupt,
                fmt::format("'{}' has {} bytes, expected {}", (folder_ / kRootKey).string(),
                            root_key_.size(), kRootKeyBytes));
  }
  token_key_ = TRY(read_key_file(folder_ / kTokenKeyFile));
  TRY(cas_->read());
  owner_key_.reset();
  if (TRY(is_there(folder_ / kOwnerKey)))
    owner_key_ = TRY(read_key_file(folder_ / kOwnerKey)).public_key();
  return {};
}

Result<> OwnerFiles::write_successor(std::string_view file, ByteView contents) const {
  const fs::path path = folder_ / fmt::format("{}{}", file, kNext);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)  // of a rotation that did not come to be
    return fail(os_error("removing", path, errno));
  return write_new_file(path, contents, 0600);
}

bool OwnerFiles::has_successor(std::string_view file) const {
  return is_there(folder_ / fmt::format("{}{}", file, kNext)).value_or(false);
}

Result<> OwnerFiles::take_successor(std::string_view file) const {
  const fs::path from = folder_ / fmt::format("{}{}", file, kNext), to = folder_ / file;
  if (::rename(from.c_str(), to.c_str()) != 0) return fail(os_error("renaming to", to, errno));
  return sync_folder(folder_);
}

bool OwnerFiles::was_restored() const {
  return is_there(folder_ / kRestoredFile).value_or(false);
}

Result<> OwnerFiles::forget_restore() const {
  const fs::path path = folder_ / kRestoredFile;
  if (::unlink(path.c_str()) != 0) return fail(os_error("removing", path, errno));
  return sync_folder(folder_);
}

Result<> OwnerFiles::remove_owner_key() const {
  const fs::path path = folder_ / kOwnerKey;
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail(os_error("removing", path, errno));
  return sync_folder(folder_);
}

Result<> OwnerFiles::write_address(std::string_view url) const {
  return write_file(folder_ / "address", as_bytes(fmt::format("{}\n", url)), 0644);
}

}  // namespace penstock::manager
