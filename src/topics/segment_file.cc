#include "topics/segment_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/crash_point.h"
#include "topics/limits.h"

namespace penstock::topics {
namespace {

constexpr std::uint64_t kReserveFirst = 1 << 20;
constexpr std::uint64_t kReserveStepMax = 16 << 20;

int injected(const SegmentSettings& settings, DiskStep step, std::size_t bytes) {
  return settings.faults ? settings.faults->before(step, bytes) : 0;
}

int allocate(const SegmentSettings& settings, int fd, std::uint64_t from, std::uint64_t to) {
  if (int error = injected(settings, DiskStep::allocate, to - from)) return error;
  int status;
  do {
    status = ::fallocate(fd, 0, static_cast<off_t>(from), static_cast<off_t>(to - from));
  } while (status != 0 && errno == EINTR);
  // File systems that cannot reserve show a full disk when the bytes are written.
  return status == 0 || errno == EOPNOTSUPP ? 0 : errno;
}

std::optional<std::filesystem::path> any_spare(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::directory_iterator files(folder, error);
  if (error || files == std::filesystem::directory_iterator()) return std::nullopt;
  return files->path();
}

}  // namespace

std::string segment_file_name(Offset base) {
  return fmt::format("{:020}.seg", base);
}

std::optional<Offset> parse_segment_file_name(std::string_view name) {
  if (name.size() != 24 || !name.ends_with(".seg")) return std::nullopt;
  Offset base = 0;
  for (char c : name.substr(0, 20)) {
    if (c < '0' || c > '9' || __builtin_mul_overflow(base, 10, &base) ||
        __builtin_add_overflow(base, c - '0', &base))
      return std::nullopt;
  }
  return base;
}

void retire_segment(const SegmentSettings& settings, const std::filesystem::path& path) {
  std::error_code error;
  auto count = std::distance(std::filesystem::directory_iterator(settings.spare_folder, error), {});
  struct stat status{};
  bool worth = ::stat(path.c_str(), &status) == 0 &&
               static_cast<std::size_t>(status.st_size) >= settings.segment_bytes / 2;
  if (worth && static_cast<std::size_t>(count) < kSpareSegmentsMax)  // named by its inode: unique
    std::filesystem::rename(path, settings.spare_folder / std::to_string(status.st_ino), error);
  else
    std::filesystem::remove(path, error);
}

Result<> sync_folder(const std::filesystem::path& folder) {
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(os_error("opening", folder, errno));
  if (::fsync(fd.get()) != 0) return fail(os_error("syncing", folder, errno));
  return {};
}

Result<> read_exactly(int fd, ByteSpan into, std::uint64_t at, const std::filesystem::path& path) {
  while (!into.empty()) {
    ssize_t n = ::pread(fd, into.data(), into.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os_error("reading", path, errno));
    if (n == 0)
      return fail(ErrorCode::corrupt, fmt::format("'{}' ends at byte {}, {} bytes early",
                                                  path.string(), at, into.size()));
    into = into.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<SegmentFile> SegmentFile::open(const SegmentSettings& settings, std::filesystem::path path) {
  std::error_code error;
  SegmentFile file;
  file.path_ = std::move(path);
  if (!std::filesystem::exists(file.path_, error)) {
    if (auto spare = any_spare(settings.spare_folder))
      std::filesystem::rename(*spare, file.path_, error);  // if not, a new file is made
  }
  file.fd_ = UniqueFd(::open(file.path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.fd_) return fail(os_error("opening", file.path_, errno));
  struct stat status{};
  if (::fstat(file.fd_.get(), &status) != 0)
    return fail(os_error("asking about", file.path_, errno));
  file.reserved_ = static_cast<std::uint64_t>(status.st_size);
  if (settings.sync) TRY(sync_folder(file.path_.parent_path()));
  return file;
}

Result<> SegmentFile::write(const SegmentSettings& settings, ByteView bytes, std::uint64_t at) {
  TRY(reserve(settings, at + bytes.size()));
  if (int error = injected(settings, DiskStep::write, bytes.size()))
    return fail(os_error("writing", path_, error));
  while (!bytes.empty()) {
    ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os_error("writing", path_, errno));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<> SegmentFile::reserve(const SegmentSettings& settings, std::uint64_t end) {
  if (end <= reserved_) return {};
  std::uint64_t step = std::clamp(reserved_, kReserveFirst, kReserveStepMax);
  std::uint64_t ahead =
      std::max(end, std::min<std::uint64_t>(reserved_ + step, settings.segment_bytes));
  int error = allocate(settings, fd_.get(), reserved_, ahead);
  if (error == ENOSPC && ahead > end) {
    ahead = end;
    error = allocate(settings, fd_.get(), reserved_, ahead);
  }
  if (error != 0) return fail(os_error("reserving space for", path_, error));
  reserved_ = ahead;
  CRASH_POINT("embedded.roll.after_reserve");
  return {};
}

Result<> SegmentFile::sync(const SegmentSettings& settings) {
  if (int error = injected(settings, DiskStep::sync, 0))
    return fail(os_error("syncing", path_, error));
  if (::fdatasync(fd_.get()) != 0) return fail(os_error("syncing", path_, errno));
  return {};
}

void SegmentFile::cut(std::uint64_t bytes) {
  if (reserved_ > bytes && ::ftruncate(fd_.get(), static_cast<off_t>(bytes)) == 0)
    reserved_ = bytes;
}

}  // namespace penstock::topics
