// DIR/journal. Where commits wait for the disk and a round touches several partitions, one synced
// write to this file stands for the syncs of all their segments, which follow when it is full. What
// a power loss has taken out of the segments by then is put back from it when the log is opened.
//
// Blocks one after the other, one per round, numbers little endian:
//   "PSJ1", CRC-32C of the rest, lap (8), round (8), bytes of the rest (4), entries (4)
//   per entry: topic id (4), partition (4), base of the segment (8), where in it (8), length (4), 0
//   (4) the entries' bytes
// Blocks of an earlier lap may follow the last one. ADR 29.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "topics/round_guard.h"
#include "topics/segment_file.h"
#include "topics/state_store.h"

namespace penstock::topics {

inline constexpr const char* kJournalName = "journal";
inline constexpr std::size_t kJournalEntryBytes = 32;  // beside what an entry holds

// Bytes that a round has written to the segment that a partition ends in.
struct JournalEntry {
  std::uint32_t topic_id;
  std::int32_t partition;
  Offset segment_base;
  std::uint64_t at;
  ByteView bytes;
};

// Under the committer's lock.
class SyncJournal {
 public:
  // The settings outlive it. The file is made by the first append().
  SyncJournal(const SegmentSettings& settings, std::filesystem::path path)
      : settings_(settings), path_(std::move(path)) {}

  // false: clear() it first, or it is too much for any.
  bool has_room(std::span<const JournalEntry> entries) const;
  // Durable when it returns. After an error nothing of it counts, unless is_doubtful().
  Result<> append(std::span<const JournalEntry> entries, std::uint64_t round);
  // The round of the last append() did not happen.
  Result<> take_back();
  // What did not happen could not be taken out: it may come back.
  bool is_doubtful() const { return doubtful_; }
  // The segments are synced: none of it is needed.
  Result<> clear();
  // As clear(), and the file goes. Best effort: what stays is put into the segments again.
  void remove();

 private:
  Result<> open();
  Result<> write(ByteView bytes, std::uint64_t at);
  Result<> void_block(std::uint64_t at);

  const SegmentSettings& settings_;
  const std::filesystem::path path_;
  UniqueFd fd_;
  bool doubtful_ = false;
  std::uint64_t lap_ = 1;
  std::uint64_t end_ = 0, last_ = 0;  // of the blocks; where the last one begins
  ByteBuffer block_;
};

struct JournalContents {
  std::uint64_t newest_round = 0;  // 0: it is empty
  // By topic and partition, in the order of their rounds. Views into the bytes given.
  std::map<std::pair<std::uint32_t, std::int32_t>, std::vector<JournalEntry>> entries;
};

// Up to the first block that is not whole, or of another lap than the first.
JournalContents parse_journal(ByteView file);

// Opening, under the folder's lock: writes what the journal has, and the database knows as
// committed, to the segments, and removes it. Nothing is changed when the journal is of rounds that
// the database has lost: these are returned (check_rounds), else none.
Result<UnknownBatches> settle_journal(const std::filesystem::path& log_folder, StateStore& store);

}  // namespace penstock::topics
