#include "base/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/file.h"

namespace penstock {
namespace {

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

}  // namespace

Result<SecretBuffer> read_private_file(const std::filesystem::path& path, std::string_view what,
                                       std::size_t bytes_max) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd && errno == ELOOP) return fail(denied(what, path, "it is a link; name the file itself"));
  if (!fd) return fail(os_error("opening", path, errno).in(what));
  SecretBuffer whole =
      TRY(SecretBuffer::create(TRY(check_private(fd.get(), path, what, bytes_max))));
  std::size_t size = 0;
  while (size < whole.size()) {
    ssize_t got = ::read(fd.get(), whole.span().data() + size, whole.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(os_error("reading", path, errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return SecretBuffer::create_copy(whole.view().first(size));
}

}  // namespace penstock
