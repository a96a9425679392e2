#include "topics/segment_scan.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include <fmt/format.h>

#include "topics/limits.h"

namespace penstock::topics {
namespace {

// A window over the file that always starts at the batch under way.
class Window {
 public:
  Window(int fd, std::uint64_t from, std::uint64_t limit, const std::filesystem::path& path)
      : fd_(fd), limit_(limit), path_(path), at_(from) {}

  std::uint64_t at() const { return at_; }
  // At least `bytes` from at() on. corrupt: the limit comes before.
  Result<ByteView> need(std::size_t bytes) {
    if (bytes > limit_ - at_)
      return fail(ErrorCode::corrupt,
                  fmt::format("'{}': the {} bytes at {} reach past byte {}, where the segment ends",
                              path_.filename().string(), bytes, at_, limit_));
    if (bytes > filled_ - used_) TRY(refill());
    return ByteView(data_).subspan(used_, bytes);
  }
  void pass(std::size_t bytes) {
    used_ += bytes;
    at_ += bytes;
  }

 private:
  Result<> refill() {
    data_.resize(kBatchBytesMax);
    filled_ = static_cast<std::size_t>(std::min<std::uint64_t>(kBatchBytesMax, limit_ - at_));
    used_ = 0;
    auto read = read_exactly(fd_, ByteSpan(data_).first(filled_), at_, path_);
    if (!read) filled_ = 0;
    return read;
  }

  const int fd_;
  const std::uint64_t limit_;
  const std::filesystem::path& path_;
  std::uint64_t at_;
  ByteBuffer data_;
  std::size_t used_ = 0, filled_ = 0;
};

Result<BatchHeader> check_next(Window& window, const ScanLimits& limits, Offset base) {
  BatchHeader header = TRY(parse_batch_header(TRY(window.need(kBatchHeaderBytes))));
  TRY(check_place(header, limits.topic_id, limits.partition, base));
  ByteView batch = TRY(window.need(header.bytes()));
  TRY(check_batch_crc(header, batch));
  TRY(view_batch(header, batch));
  if (header.end() > limits.end)
    return fail(ErrorCode::corrupt, fmt::format("a record batch reaches past offset {}, the end of "
                                                "its segment",
                                                limits.end));
  return header;
}

}  // namespace

Result<> check_place(const BatchHeader& header, std::uint32_t topic_id, std::uint32_t partition,
                     Offset base) {
  if (header.topic_id == topic_id && header.partition == partition && header.base == base)
    return {};
  return fail(
      ErrorCode::corrupt,
      fmt::format("expected a record batch of topic id {}, partition {} at offset {}; seen "
                  "topic id {}, partition {}, offset {}",
                  topic_id, partition, base, header.topic_id, header.partition, header.base));
}

ScanEnd scan_segment(const std::filesystem::path& path, const ScanLimits& limits) {
  ScanEnd end;
  end.offset = limits.base;
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    end.damage = os_error("opening", path, errno);
    return end;
  }
  auto size = static_cast<std::uint64_t>(status.st_size);
  if (limits.bytes && *limits.bytes > size)
    end.damage = Error(ErrorCode::corrupt, fmt::format("'{}' has {} bytes, but {} are committed",
                                                       path.string(), size, *limits.bytes));
  if (limits.from > size) return end;
  Window window(fd.get(), limits.from, limits.bytes ? std::min(*limits.bytes, size) : size, path);
  while (end.offset < limits.end) {
    auto header = check_next(window, limits, end.offset);
    if (!header) {
      if (!end.damage) end.damage = header.error();
      return end;
    }
    window.pass(header->bytes());
    end.offset = header->end();
    end.bytes = window.at();
    end.last_crc = header->crc;
    end.newest_round = std::max(end.newest_round, header->round);
  }
  return end;
}

Result<> visit_segment(const std::filesystem::path& path, const ScanLimits& limits,
                       const BatchVisitor& visitor) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) return fail(os_error("opening", path, errno));
  Window window(fd.get(), limits.from, static_cast<std::uint64_t>(status.st_size), path);
  for (Offset next = limits.base; next < limits.end;) {
    const BatchHeader header = TRY(check_next(window, limits, next));
    TRY(visitor(header, TRY(window.need(header.bytes()))));
    window.pass(header.bytes());
    next = header.end();
  }
  return {};
}

Result<SegmentTimes> segment_times(const std::filesystem::path& path, const ScanLimits& limits) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(os_error("opening", path, errno));
  SegmentTimes times;
  ByteBuffer bytes(kBatchHeaderBytes);
  std::uint64_t at = limits.from;
  for (Offset next = limits.base; next < limits.end;) {
    TRY(read_exactly(fd.get(), bytes, at, path));
    const BatchHeader header = TRY(parse_batch_header(bytes));
    TRY(check_place(header, limits.topic_id, limits.partition, next));
    if (next == limits.base) times = {header.first_timestamp_ms, header.max_timestamp_ms};
    times.newest_ms = std::max(times.newest_ms, header.max_timestamp_ms);
    next = header.end();
    at += header.bytes();
  }
  return times;
}

}  // namespace penstock::topics
