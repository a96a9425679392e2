// Reads a partition of the embedded log.
#pragma once

#include <memory>

#include "topics/log.h"
#include "topics/partition.h"

namespace penstock::topics {

class PartitionReader final : public WatchedReader {
 public:
  // The log and its readers share the partition: a topic may be removed while readers of it live.
  PartitionReader(std::shared_ptr<const Partition> partition, Offset start, ReadCheck check)
      : partition_(std::move(partition)), check_(check), position_(start) {}

  Result<std::size_t> next(ReadBuffer& buffer, std::size_t bytes_max) override;
  Offset position() const override { return position_; }
  Result<Offset> end() override;
  Offset known_end() const override { return partition_->end(); }

  // Records are at hand, or the topic is gone and next() will say so.
  bool ready() const override { return partition_->removed() || position_ < partition_->end(); }
  std::shared_ptr<Watchers> watchers() const override { return partition_->watchers(); }

 private:
  Result<> check_kept(Offset position) const;
  // Bytes [at, at + filled) of the segment, in the buffer's storage.
  struct Fetched {
    std::size_t filled = 0;
    std::size_t parsed = 0;  // of them: whole batches
    std::vector<BatchView> batches;
  };
  Result<std::size_t> read_batches(ReadBuffer& buffer, std::size_t bytes_max);
  Result<> fetch(ReadBuffer& buffer, std::size_t bytes_max);
  Result<> parse_fetched(const ReadBuffer& buffer, std::size_t bytes_max);
  Result<std::size_t> deliver_fetched(ReadBuffer& buffer);
  Result<> load_large();
  Result<std::size_t> deliver_large(ReadBuffer& buffer, std::size_t bytes_max);
  void pass_large(Offset next);
  Result<> seek();
  Result<> open_segment();
  Result<BatchHeader> header_at(ByteView bytes) const;
  Result<BatchView> checked_batch(const BatchHeader& header, ByteView bytes) const;
  std::uint64_t available() const { return limit_ > at_ ? limit_ - at_ : 0; }

  const std::shared_ptr<const Partition> partition_;
  const ReadCheck check_;
  Offset position_;

  UniqueFd fd_;
  ReadableSegment segment_;
  std::uint64_t at_ = 0;        // of the batch that holds next_base_, in the segment
  std::uint64_t limit_ = 0;     // bytes of the segment that may be read
  Offset next_base_ = 0;        // of the batch at at_
  std::size_t next_bytes_ = 0;  // length of that batch, if known
  Fetched fetched_;

  ByteBuffer large_;  // a batch that is larger than what the caller takes at once
  BatchView large_view_;
  bool has_large_ = false;
};

}  // namespace penstock::topics
