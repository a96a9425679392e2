#include "topics/round_guard.h"

#include <fcntl.h>

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/file.h"

namespace penstock::topics {
namespace {

void look_through(const std::filesystem::path& segment, const ScanLimits& limits,
                  UnknownBatches& found) {
  const ScanEnd seen = scan_segment(segment, limits);
  if (seen.newest_round == 0) return;
  found.newest_round = std::max(found.newest_round, seen.newest_round);
  found.end = std::max(found.end, seen.offset);
  found.segments.push_back(segment);
}

ScanLimits limits_from(const PartitionPlace& place, Offset base, std::uint64_t from) {
  return {.topic_id = place.topic_id,
          .partition = static_cast<std::uint32_t>(place.name.partition),
          .base = base,
          .end = std::numeric_limits<Offset>::max(),
          .bytes = std::nullopt,
          .from = from};
}

}  // namespace

UnknownBatches batches_behind(const std::filesystem::path& partition_folder,
                              const PartitionPlace& place) {
  UnknownBatches found;
  found.where = fmt::format("partition {}/{} behind offset {}", place.name.topic.text(),
                            place.name.partition, place.tail.end);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(partition_folder, error)) {
    const auto base = parse_segment_file_name(entry.path().filename().string());
    if (!base || *base < place.tail.segment_base) continue;
    const bool last = *base == place.tail.segment_base && place.tail.bytes > 0;
    look_through(
        entry.path(),
        last ? limits_from(place, place.tail.end, place.tail.bytes) : limits_from(place, *base, 0),
        found);
  }
  return found;
}

UnknownBatches batches_in_folder(const std::filesystem::path& topic_folder) {
  UnknownBatches found;
  found.where = fmt::format("folder '{}'", topic_folder.filename().string());
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(topic_folder, error)) {
    const auto base = parse_segment_file_name(entry.path().filename().string());
    if (!base) continue;
    UniqueFd fd(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    ByteBuffer bytes(kBatchHeaderBytes);
    if (!fd || !read_exactly(fd.get(), bytes, 0, entry.path())) continue;
    const auto header = parse_batch_header(bytes);
    if (!header) continue;
    look_through(entry.path(),
                 {.topic_id = header->topic_id,
                  .partition = header->partition,
                  .base = *base,
                  .end = std::numeric_limits<Offset>::max(),
                  .bytes = std::nullopt},
                 found);
  }
  return found;
}

Result<> check_rounds(const UnknownBatches& found, std::uint64_t recovered) {
  if (found.newest_round <= recovered + 1) return {};
  return fail(ErrorCode::corrupt,
              fmt::format("{}: whole record batches of commit round {}, but the state database "
                          "ends with round {}: it has lost commits (its log was cut, damaged or "
                          "put back); nothing was changed; `penstock repair` shows what is lost "
                          "and can cut it off; a backup of the folder would keep it",
                          found.where, found.newest_round, recovered));
}

}  // namespace penstock::topics
