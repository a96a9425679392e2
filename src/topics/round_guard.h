// Tells whether the state database has lost commits: batches in segments carry the round that
// commits them (batch_codec.h), and at most one round can be in segments without being in the
// database, the one under way when the process ended. RocksDB takes a log that was cut or damaged
// at certain places for one that ends there (spine.md 1, Recovery).
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "topics/segment_scan.h"
#include "topics/state_store.h"

namespace penstock::topics {

// Whole batches of which the state database knows nothing.
struct UnknownBatches {
  std::uint64_t newest_round = 0;  // 0: there are none
  Offset end = 0;                  // one past the last whole record
  std::vector<std::filesystem::path> segments;
  std::string where;  // "partition t/0 behind offset 17", "folder 't'"
};

struct PartitionPlace {
  TopicPartition name;
  std::uint32_t topic_id;
  Tail tail;
};

// Behind the committed end, in the last segment and in those that the database does not list.
UnknownBatches batches_behind(const std::filesystem::path& partition_folder,
                              const PartitionPlace& place);

// In a topic's folder when the database knows no such topic (any more).
UnknownBatches batches_in_folder(const std::filesystem::path& topic_folder);

// corrupt: they are of a round that the database (whose newest is `recovered`) must have known.
Result<> check_rounds(const UnknownBatches& found, std::uint64_t recovered);

}  // namespace penstock::topics
