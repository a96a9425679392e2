#include "cli/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/file.h"

namespace penstock::cli {
namespace {

constexpr std::size_t kStdinChunkBytes = 64 << 10;

Error denied(std::string_view what, const std::filesystem::path& path, std::string_view why) {
  return {ErrorCode::permission_denied, fmt::format("{} '{}': {}", what, path.string(), why)};
}

// Judges the open file, so that nobody can put another in its place between judging and reading.
Result<std::size_t> check_private(int fd, const std::filesystem::path& path, std::string_view what,
                                  std::size_t bytes_max) {
  struct stat facts{};
  if (::fstat(fd, &facts) != 0) return fail(os_error("reading", path, errno));
  if (!S_ISREG(facts.st_mode)) return fail(denied(what, path, "not a plain file"));
  if (facts.st_uid != ::geteuid()) return fail(denied(what, path, "it belongs to another user"));
  if ((facts.st_mode & 0077) != 0)
    return fail(denied(what, path,
                       fmt::format("mode {0:04o} lets others use it, expected 0600; run: chmod 600 "
                                   "'{1}'",
                                   facts.st_mode & 07777, path.string())));
  if (static_cast<std::uint64_t>(facts.st_size) > bytes_max)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{} '{}': {} bytes, at most {} are taken", what, path.string(),
                            facts.st_size, bytes_max));
  return static_cast<std::size_t>(facts.st_size);
}

// How many bytes came until `into` was full or nothing was left.
Result<std::size_t> read_until_full(int fd, ByteSpan into, const std::filesystem::path& path) {
  std::size_t size = 0;
  while (size < into.size()) {
    ssize_t got = ::read(fd, into.data() + size, into.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(os_error("reading", path, errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return size;
}

Error already_there(const std::filesystem::path& path) {
  return {ErrorCode::already_exists,
          fmt::format("'{}' is there already and keys are never overwritten; take another --out",
                      path.string())};
}

}  // namespace

Result<SecretBuffer> read_private_file(const std::filesystem::path& path, std::string_view what,
                                       std::size_t bytes_max) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd && errno == ELOOP) return fail(denied(what, path, "it is a link; name the file itself"));
  if (!fd) return fail(os_error("opening", path, errno).in(what));
  SecretBuffer whole(TRY(check_private(fd.get(), path, what, bytes_max)));
  std::size_t size = TRY(read_until_full(fd.get(), whole.span(), path));
  return SecretBuffer::copy_of(whole.view().first(size));
}

Result<> require_absent(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, ignored)))
    return fail(already_there(path));
  return {};
}

Result<> write_private_file(const std::filesystem::path& path, ByteView contents) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd && errno == EEXIST) return fail(already_there(path));
  if (!fd) return fail(os_error("making", path, errno));
  while (!contents.empty()) {
    ssize_t n = ::write(fd.get(), contents.data(), contents.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os_error("writing", path, errno));
    contents = contents.subspan(static_cast<std::size_t>(n));
  }
  if (::fsync(fd.get()) != 0) return fail(os_error("writing", path, errno));
  return {};
}

Result<SecretBuffer> read_secret_from_stdin(std::size_t bytes_max) {
  SecretBuffer held;
  SecretBuffer chunk(kStdinChunkBytes);
  while (true) {
    std::size_t got = TRY(read_until_full(STDIN_FILENO, chunk.span(), "standard input"));
    if (got == 0) return held;
    if (held.size() + got > bytes_max)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("a secret has at most {} bytes; standard input has more", bytes_max));
    SecretBuffer longer(held.size() + got);
    std::ranges::copy(held.view(), longer.span().begin());
    std::ranges::copy(chunk.view().first(got), longer.span().subspan(held.size()).begin());
    held = std::move(longer);
  }
}

}  // namespace penstock::cli
