// One segment file, as the committer writes it, and the store of used ones.
#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/file.h"
#include "topics/embedded_log.h"
#include "topics/names.h"

namespace penstock::topics {

// What all segments of a log share. The pointers outlive them.
struct SegmentSettings {
  std::filesystem::path spare_folder;
  std::size_t segment_bytes;
  bool sync;  // Durability::disk
  FaultPort* faults;
};

std::string segment_file_name(Offset base);                    // 20 digits and ".seg"
inline constexpr const char* kCompactedSuffix = ".compacted";  // while it is written
std::optional<Offset> parse_segment_file_name(std::string_view name);

// Sets a file that is no longer needed aside to be written over, or deletes it. Best effort.
void retire_segment(const SegmentSettings& settings, const std::filesystem::path& path);

Result<> sync_folder(const std::filesystem::path& folder);

// Reads exactly `into.size()` bytes. corrupt: the file ends before.
Result<> read_exactly(int fd, ByteSpan into, std::uint64_t at, const std::filesystem::path& path);

class SegmentFile {
 public:
  SegmentFile() = default;
  // Opens or creates; a spare file becomes the new one.
  static Result<SegmentFile> open(const SegmentSettings& settings, std::filesystem::path path);

  bool is_open() const { return static_cast<bool>(fd_); }
  const std::filesystem::path& path() const { return path_; }
  // Reserves blocks (ahead, in growing steps) and writes.
  Result<> write(const SegmentSettings& settings, ByteView bytes, std::uint64_t at);
  Result<> sync(const SegmentSettings& settings);
  void cut(std::uint64_t bytes);  // gives what is reserved behind back; best effort

 private:
  Result<> reserve(const SegmentSettings& settings, std::uint64_t end);

  UniqueFd fd_;
  std::filesystem::path path_;
  std::uint64_t reserved_ = 0;
};

}  // namespace penstock::topics
