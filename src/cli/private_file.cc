#include "cli/private_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/file.h"

namespace penstock::cli {
namespace {

constexpr std::size_t kStdinChunkBytes = 64 << 10;

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

Result<> require_absent(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, ignored)))
    return fail(already_there(path));
  return {};
}

Result<> write_private_file(const std::filesystem::path& path, ByteView contents) {
  const Result<> written = write_new_file(path, contents, 0600);
  if (!written && written.error().code() == ErrorCode::already_exists)
    return fail(already_there(path));
  return written;
}

Result<SecretBuffer> read_secret_from_stdin(std::size_t bytes_max) {
  SecretBuffer held;
  SecretBuffer chunk = TRY(SecretBuffer::create(kStdinChunkBytes));
  while (true) {
    std::size_t got = TRY(read_until_full(STDIN_FILENO, chunk.span(), "standard input"));
    if (got == 0) return held;
    if (held.size() + got > bytes_max)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("a secret has at most {} bytes; standard input has more", bytes_max));
    SecretBuffer longer = TRY(SecretBuffer::create(held.size() + got));
    std::ranges::copy(held.view(), longer.span().begin());
    std::ranges::copy(chunk.view().first(got), longer.span().subspan(held.size()).begin());
    held = std::move(longer);
  }
}

}  // namespace penstock::cli
