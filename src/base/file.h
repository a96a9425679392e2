// Files and descriptors.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace penstock {

// Owns a file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// An io or out_of_space error from errno: "<doing> '<path>': <strerror>".
Error os_error(std::string_view doing, const std::filesystem::path& path, int error_number);

// The whole of a file of at most bytes_max bytes.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max);

// A file that was not there before, not even as a link; its bytes and its name are on disk
// afterwards. already_exists. A file that could not be written whole is taken away again.
Result<> write_new_file(const std::filesystem::path& path, ByteView contents, mode_t mode = 0644);

// So that files made, renamed or removed in it stay so after a loss of power.
Result<> sync_folder(const std::filesystem::path& folder);

// Replaces the file at once (write beside it, sync, rename, sync the folder); mode as for open(2).
// A crash leaves either the old or the new contents.
Result<> write_file(const std::filesystem::path& path, ByteView contents, mode_t mode = 0644);

}  // namespace penstock
