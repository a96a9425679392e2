// One partition of the embedded log: its segments, its committed end, and the bytes being staged
// behind it by the commit round that is under way.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "topics/batch_codec.h"
#include "topics/ready_set.h"
#include "topics/segment_file.h"
#include "topics/state_store.h"

namespace penstock::topics {

struct PartitionId {
  TopicPartition name;
  std::uint32_t topic_id;
};

// "partition t/0, offset 17" in front of what is wrong, "run `penstock repair`" behind.
Error damage_at(const TopicPartition& partition, Offset offset, const Error& error);

// A part of one segment that readers may read.
struct ReadableSegment {
  std::filesystem::path path;
  Offset base = 0;
  Offset end = 0;                      // of the records in it that are committed
  std::optional<std::uint64_t> bytes;  // where they end; absent: somewhere before the file's end
  Offset known = 0;                    // a batch boundary at or before the wanted offset,
  std::uint64_t known_at = 0;          // and where in the file it is
  std::uint64_t generation = 0;        // of the partition's files (see is_current)
};

class Partition {
 public:
  Partition(const SegmentSettings& settings, PartitionId id, std::filesystem::path folder)
      : settings_(settings), id_(std::move(id)), folder_(std::move(folder)) {}

  const TopicPartition& name() const { return id_.name; }
  std::uint32_t topic_id() const { return id_.topic_id; }
  const std::filesystem::path& folder() const { return folder_; }

  // Any thread.
  Offset end() const { return end_.load(); }
  Offset first() const { return first_.load(); }  // of what is kept
  bool removed() const { return removed_.load(); }
  ReadableSegment segment_of(Offset offset) const;  // the one that holds it
  // Whether the file that was opened since is the one that was described: no compaction has
  // replaced one in between.
  bool is_current(const ReadableSegment& segment) const;
  Tail committed() const;
  // Those that are not written to any more, oldest first.
  struct ClosedSegment {
    Offset base, end;
    std::filesystem::path path;
    std::uint64_t bytes;  // on the disk
  };
  std::vector<ClosedSegment> closed_segments() const;
  std::uint64_t bytes() const;  // of all segments
  // Those who want to know of new records, or that the topic was removed.
  const std::shared_ptr<Watchers>& watchers() const { return watchers_; }

  // The rest: one thread at a time, under the committer's lock.

  // Takes what the state database says over; checks that all segments exist and that the last one
  // is sound up to its end. Changes nothing. corrupt: they do not, or it is not.
  Result<> recover(const Tail& tail, std::vector<Offset> segment_bases, Offset first);
  Result<> cut_behind();  // what lies behind the end
  // Writes the batches behind what is staged. After an error call unstage().
  Result<> stage(EncodedBatches& batches, std::uint64_t round);
  const Tail& staged() const { return staged_; }
  void unstage(const Tail& back_to);  // forgets what was staged after that
  // Of the current round, and of those before it.
  Result<> sync_staged();
  // Whether this round has gone on to another segment, so that the one before needs a sync of its
  // own.
  bool has_rolled() const { return !rolled_.empty(); }
  void put_staged(StateBatch& batch) const;  // the new end and the new segments
  void publish();
  void set_retention(const Retention& retention) { retention_ = retention; }
  // The base of the segment that holds `before` (or of the last one): what lies in front of it can
  // go. Then forget_before() hides that from readers and gives the files.
  Offset base_at(Offset before) const;
  std::vector<std::filesystem::path> forget_before(Offset base);
  // Before and after the file of a closed segment is replaced by a compacted one. Readers that have
  // the old one open finish with it.
  void note_replacement(Offset base);
  void mark_removed();
  bool holds_file() const { return file_.is_open(); }
  void release_file();  // closes it and gives reserved space back

 private:
  Result<> roll(Offset base);
  Result<> open_file();
  Result<> write_run(ByteView run, std::uint64_t at);
  Result<> check_segments_exist(const Tail& tail, const std::vector<Offset>& bases,
                                Offset first) const;
  bool is_full(const BatchHeader& next);
  data::TimestampMs first_time_of_staged(data::TimestampMs otherwise);
  Result<> check_last_segment(const Tail& tail) const;

  const SegmentSettings& settings_;
  const PartitionId id_;
  const std::filesystem::path folder_;

  const std::shared_ptr<Watchers> watchers_ = std::make_shared<Watchers>();
  std::atomic<Offset> end_ = 0;
  std::atomic<Offset> first_ = 0;
  std::atomic<bool> removed_ = false;
  // Where batches start, every kMarkDistance bytes of what was written since the log was opened.
  struct Mark {
    Offset offset;
    Offset segment_base;
    std::uint64_t at;
  };
  void add_mark(const Tail& tail);

  mutable std::mutex published_mutex_;  // of the next five
  Tail committed_;
  std::vector<Offset> segment_bases_;
  std::vector<Mark> marks_;
  mutable std::map<Offset, std::uint64_t> sizes_;  // of closed segments, as far as asked for
  std::uint64_t generation_ = 0;

  Retention retention_;
  struct FirstTime {
    Offset base;
    data::TimestampMs at_ms;
  };
  std::optional<FirstTime> first_time_;  // of the segment that is written to, if it is that one's
  Tail staged_;
  std::vector<Offset> staged_bases_;
  SegmentFile file_;  // of staged_.segment_base, if open
  struct Rolled {
    Offset base;
    SegmentFile file;
  };
  std::vector<Rolled> rolled_;  // left by this round, to be synced
};

}  // namespace penstock::topics
