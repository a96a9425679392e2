#include "manager/owner_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "manager/limits.h"

namespace penstock::manager {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSecretFileBytesMax = 16 << 10;
constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kRootKeyBytes = 32;
constexpr const char* kAdminToken = "admin.token";
constexpr const char* kOwnerKey = "owner.key.pem";
constexpr const char* kRootKey = "root.key";
constexpr const char* kCaKey = "ca.key.pem";
constexpr const char* kCa = "ca.pem";
constexpr const char* kTokenKey = "token.key.pem";

Result<bool> is_there(const fs::path& path) {
  struct stat seen{};
  if (::lstat(path.c_str(), &seen) == 0) return true;
  if (errno == ENOENT) return false;
  return fail(os_error("looking at", path, errno));
}

// Ours, and closed to everybody else.
Result<> check_private(const fs::path& path, mode_t kind, std::string_view mode) {
  struct stat seen{};
  if (::lstat(path.c_str(), &seen) != 0) return fail(os_error("looking at", path, errno));
  if ((seen.st_mode & S_IFMT) != kind) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("'{}' is not a {}", path.string(),
                            kind == S_IFDIR ? "folder" : "regular file"));
  }
  if (seen.st_uid != ::geteuid()) {
    return fail(ErrorCode::permission_denied,
                fmt::format("'{}' belongs to user {}, not to {} who runs the manager: give it to "
                            "that user",
                            path.string(), seen.st_uid, ::geteuid()));
  }
  if ((seen.st_mode & 077) != 0) {
    return fail(ErrorCode::permission_denied,
                fmt::format("'{}' has mode {:04o}, so others on this machine may read it: chmod {} "
                            "it, and make new keys if somebody has",
                            path.string(), seen.st_mode & 07777, mode));
  }
  return {};
}

Result<SecretBuffer> read_secret(const fs::path& path) {
  TRY(check_private(path, S_IFREG, "0600"));
  std::string text = TRY(read_file(path, kSecretFileBytesMax));
  Result<SecretBuffer> secret = SecretBuffer::create_copy(as_bytes(text));
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return secret;
}

Result<crypto::P256PrivateKey> read_key(const fs::path& path) {
  const SecretBuffer pem = TRY(read_secret(path));
  return TRY_IN(crypto::P256PrivateKey::from_pem(as_text(pem.view())), path.string());
}

Result<> make_folder(const fs::path& folder) {
  std::error_code error;
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(os_error("creating the folder", folder, errno));
  return check_private(folder, S_IFDIR, "0700");
}

Result<> make_key(const fs::path& path, crypto::RandomSource& random) {
  if (TRY(is_there(path))) return {};
  const auto key = TRY(crypto::P256PrivateKey::generate(random));
  return write_file(path, TRY(key.to_pem()).view(), 0600);
}

Result<> make_token(const fs::path& path, crypto::RandomSource& random) {
  if (TRY(is_there(path))) return {};
  SecretBuffer bytes = TRY(SecretBuffer::create(kTokenBytes));
  TRY(random.fill(bytes.span()));
  std::string text = to_base64url(bytes.view()) + "\n";
  const Result<> written = write_file(path, as_bytes(text), 0600);
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return written;
}

Result<> make_root_key(const fs::path& path, crypto::RandomSource& random) {
  if (TRY(is_there(path))) return {};
  SecretBuffer bytes = TRY(SecretBuffer::create(kRootKeyBytes));
  TRY(random.fill(bytes.span()));
  return write_file(path, bytes.view(), 0600);
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
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
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

Result<OwnerFiles> OwnerFiles::open(const fs::path& folder, const Clock& clock,
                                    crypto::RandomSource& random) {
  TRY(make_folder(folder));
  OwnerFiles files(folder, TRY(FolderLock::take(folder)));
  // The store is made last, so a first start that was killed goes on where it was.
  if (!TRY(is_there(files.database()))) TRY(files.make_missing(clock, random));
  TRY(files.read());
  return files;
}

Result<> OwnerFiles::make_missing(const Clock& clock, crypto::RandomSource& random) const {
  TRY(make_token(folder_ / kAdminToken, random));
  TRY(make_key(folder_ / kOwnerKey, random));
  TRY(make_root_key(folder_ / kRootKey, random));
  TRY(make_key(folder_ / kTokenKey, random));
  TRY(make_key(folder_ / kCaKey, random));
  if (TRY(is_there(folder_ / kCa))) return {};
  const auto key = TRY(read_key(folder_ / kCaKey));
  const std::int64_t now_s = clock.now_ms() / 1000;
  const auto ca = TRY(crypto::make_ca("Penstock manager CA", key,
                                      {now_s - kClockSkewSeconds, now_s + kCaSeconds}, random));
  return write_file(folder_ / kCa, as_bytes(ca.to_pem()), 0644);
}

Result<> OwnerFiles::read() {
  for (const char* name : {kAdminToken, kRootKey, kTokenKey, kCaKey, kCa}) {
    if (TRY(is_there(folder_ / name))) continue;
    return fail(ErrorCode::failed_precondition,
                fmt::format("'{}' is missing but its store exists: bring the file back from a "
                            "backup; nothing is made anew in its place",
                            (folder_ / name).string()));
  }
  admin_token_ = TRY(without_line_end(TRY(read_secret(folder_ / kAdminToken))));
  if (admin_token_.size() < kTokenBytes) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' is too short for a token: at least {} characters are needed",
                            (folder_ / kAdminToken).string(), kTokenBytes));
  }
  root_key_ = TRY(read_secret(folder_ / kRootKey));
  if (root_key_.size() != kRootKeyBytes) {
    return fail(ErrorCode::corrupt,
                fmt::format("'{}' has {} bytes, expected {}", (folder_ / kRootKey).string(),
                            root_key_.size(), kRootKeyBytes));
  }
  token_key_ = TRY(read_key(folder_ / kTokenKey));
  ca_key_ = TRY(read_key(folder_ / kCaKey));
  const fs::path ca = folder_ / kCa;
  ca_ = TRY_IN(crypto::Certificate::from_pem(TRY(read_file(ca, kSecretFileBytesMax))), ca.string());
  if (!(ca_->key() == ca_key_->public_key())) {
    return fail(ErrorCode::corrupt, fmt::format("'{}' is not the certificate of '{}'", ca.string(),
                                                (folder_ / kCaKey).string()));
  }
  if (TRY(is_there(folder_ / kOwnerKey)))
    owner_key_ = TRY(read_key(folder_ / kOwnerKey)).public_key();
  return {};
}

Result<> OwnerFiles::write_address(std::string_view url) const {
  return write_file(folder_ / "address", as_bytes(fmt::format("{}\n", url)), 0644);
}

}  // namespace penstock::manager
