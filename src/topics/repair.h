// What `penstock repair` does with a folder that the embedded log refuses to open: says what is
// lost, and only when told to, sets each damaged partition's committed end back to the last whole
// batch.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "topics/log.h"

namespace penstock::topics {

struct LostPosition {
  TaskId task;
  Offset next;  // lies beyond the end that remains
};

struct PartitionDamage {
  TopicPartition partition;
  Offset valid_end = 0;      // records before it are whole
  Offset committed_end = 0;  // records in [valid_end, committed_end) would be lost
  std::string reason;        // what is wrong with the bytes at valid_end
  std::vector<LostPosition> positions;

  std::int64_t records_lost() const { return committed_end - valid_end; }
};

// Whole records of which the state database knows nothing: it has lost the commits that made them.
struct LostCommits {
  std::string where;               // "partition t/0 behind offset 17"
  std::uint64_t newest_round = 0;  // of the records; the database ends with known_round
  std::uint64_t known_round = 0;
};

struct RepairReport {
  std::vector<PartitionDamage> damages;
  std::vector<LostCommits> lost_commits;
  std::vector<std::filesystem::path> kept;  // apply_repair: where the cut bytes are now

  bool whole() const { return damages.empty() && lost_commits.empty(); }
};

// Checks every batch of every segment. Changes nothing. busy: the folder is held. corrupt: the
// state database itself is damaged or missing; there is no repair for that but a backup.
Result<RepairReport> plan_repair(const std::filesystem::path& folder);

// Does what plan_repair says: copies the segments with what is cut off (damaged, or behind the ends
// that the state database knows) to DIR/lost and sets ends back, all of it in one batch. Positions
// lie in checkpoints, which this cannot make: the next open() sets those that lie beyond back to
// the new end, at once where the state key is one that everybody knows, else when told to
// (EmbeddedOptions::accept_loss). State of tasks is kept as it is: it may count records that are
// lost, which the caller must say.
Result<RepairReport> apply_repair(const std::filesystem::path& folder);

}  // namespace penstock::topics
