#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/descriptor_limit.h"

namespace penstock {

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) ::close(fd_);
}

Error os_error(std::string_view doing, const std::filesystem::path& path, int error_number) {
  ErrorCode code = ErrorCode::io;
  if (error_number == ENOSPC || error_number == EDQUOT) code = ErrorCode::out_of_space;
  if (error_number == ENOENT) code = ErrorCode::not_found;
  if (error_number == EACCES || error_number == EPERM) code = ErrorCode::permission_denied;
  char buffer[128];
  std::string text = fmt::format("{} '{}': {}", doing, path.string(),
                                 strerror_r(error_number, buffer, sizeof buffer));
  if (error_number == EMFILE) text += fmt::format(": {}", descriptor_limit_text());
  return Error(code, std::move(text));
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(os_error("opening", path, errno));
  std::string out;
  char chunk[1 << 16];
  while (true) {
    ssize_t n = ::read(fd.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os_error("reading", path, errno));
    if (n == 0) return out;
    if (out.size() + static_cast<std::size_t>(n) > bytes_max)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("'{}' is larger than the {} bytes taken", path.string(), bytes_max));
    out.append(chunk, static_cast<std::size_t>(n));
  }
}

namespace {

Result<> write_all(int fd, ByteView contents, const std::filesystem::path& path) {
  while (!contents.empty()) {
    ssize_t n = ::write(fd, contents.data(), contents.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os_error("writing", path, errno));
    contents = contents.subspan(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return fail(os_error("syncing", path, errno));
  return {};
}

}  // namespace

Result<> sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder.empty() ? "." : folder;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(os_error("opening", path, errno));
  if (::fsync(fd.get()) != 0) return fail(os_error("syncing", path, errno));
  return {};
}

Result<> write_new_file(const std::filesystem::path& path, ByteView contents, mode_t mode) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!fd && errno == EEXIST) {
    return fail(ErrorCode::already_exists, fmt::format("'{}' is there already", path.string()));
  }
  if (!fd) return fail(os_error("creating", path, errno));
  const Result<> written = write_all(fd.get(), contents, path);
  if (!written) {
    ::unlink(path.c_str());
    return written;
  }
  return sync_folder(path.parent_path());
}

Result<> write_file(const std::filesystem::path& path, ByteView contents, mode_t mode) {
  const std::filesystem::path beside = path.string() + fmt::format(".{}.new", ::getpid());
  ::unlink(beside.c_str());  // of a process of this number that has died
  TRY(write_new_file(beside, contents, mode));
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    const Error problem = os_error("renaming to", path, errno);
    ::unlink(beside.c_str());
    return fail(problem);
  }
  return sync_folder(path.parent_path());
}

}  // namespace penstock
