#include "topics/partition_reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "topics/commit_limits.h"
#include "topics/limits.h"
#include "topics/segment_scan.h"

namespace penstock::topics {
namespace {

// From this size on a batch is read alone; smaller ones are gathered by one long read.
constexpr std::size_t kReadAlone = 32 << 10;
constexpr std::size_t kReadFirst = 64 << 10;  // while the size of batches is not known
constexpr std::size_t kSeekChunk = 256 << 10;

}  // namespace

Result<std::size_t> PartitionReader::next(ReadBuffer& buffer, std::size_t bytes_max) {
  const Offset from = position_;
  TRY(check_kept(from));
  if (position_ >= partition_->end()) {
    resize_rows(buffer, 0);
    return 0;
  }
  auto rows = read_batches(buffer, bytes_max);
  // Nothing but gaps, which compaction leaves.
  while (rows && *rows == 0 && position_ < partition_->end())
    rows = read_batches(buffer, bytes_max);
  // Bytes that are not kept any more may have been written over while they were read.
  TRY(check_kept(from));
  if (!rows) {
    fd_ = {};  // look again next time
    has_large_ = false;
    resize_rows(buffer, 0);
    return fail(damage_at(partition_->name(), position_, rows.error()));
  }
  return rows;
}

Result<> PartitionReader::check_kept(Offset position) const {
  if (partition_->removed()) return fail(no_such_topic(partition_->name().topic));
  if (position >= partition_->first()) return {};
  return fail(records_deleted(partition_->name(), position, partition_->first()));
}

Result<Offset> PartitionReader::end() {
  if (partition_->removed()) return fail(no_such_topic(partition_->name().topic));
  return partition_->end();
}

Result<std::size_t> PartitionReader::read_batches(ReadBuffer& buffer, std::size_t bytes_max) {
  if (has_large_) return deliver_large(buffer, bytes_max);
  if (!fd_ || position_ >= segment_.end) TRY(open_segment());
  TRY(fetch(buffer, bytes_max));
  if (!fetched_.batches.empty()) return deliver_fetched(buffer);
  TRY(load_large());
  return deliver_large(buffer, bytes_max);
}

// Opens the segment of position_, or learns how far the present one may be read by now.
Result<> PartitionReader::open_segment() {
  ReadableSegment segment = partition_->segment_of(position_);
  bool same = fd_ && segment.base == segment_.base;
  for (bool opened = same; !opened; opened = partition_->is_current(segment)) {
    segment = partition_->segment_of(position_);
    fd_ = UniqueFd(::open(segment.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd_ && errno == ENOENT)
      return fail(ErrorCode::corrupt,
                  "segment '" + segment.path.filename().string() + "' is missing");
    if (!fd_) return fail(os_error("opening", segment.path, errno));
  }
  segment_ = std::move(segment);
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return fail(os_error("asking about", segment_.path, errno));
  auto size = static_cast<std::uint64_t>(status.st_size);
  limit_ = std::min(segment_.bytes.value_or(size), size);
  if (same) return {};
  at_ = segment_.known_at;
  next_base_ = segment_.known;
  next_bytes_ = 0;
  return seek();
}

// Steps from header to header to the batch that holds position_.
Result<> PartitionReader::seek() {
  if (position_ == next_base_) return {};
  ByteBuffer chunk;
  std::uint64_t chunk_at = 0;
  while (true) {
    bool inside = at_ >= chunk_at && at_ + kBatchHeaderBytes <= chunk_at + chunk.size();
    if (!inside) {
      chunk.resize(std::min<std::uint64_t>(kSeekChunk, available()));
      TRY(read_exactly(fd_.get(), chunk, at_, segment_.path));
      chunk_at = at_;
    }
    auto header = TRY(header_at(ByteView(chunk).subspan(at_ - chunk_at)));
    if (position_ < header.end()) return {};
    at_ += header.bytes();
    next_base_ = header.end();
  }
}

// Parses the header of the batch at next_base_ and checks that it is the one and lies within the
// limit.
Result<BatchHeader> PartitionReader::header_at(ByteView bytes) const {
  auto header = TRY(parse_batch_header(bytes));
  TRY(check_place(header, partition_->topic_id(),
                  static_cast<std::uint32_t>(partition_->name().partition), next_base_));
  if (header.end() > segment_.end || header.bytes() > available())
    return fail(ErrorCode::corrupt, "a record batch reaches past the end of its segment");
  return header;
}

Result<BatchView> PartitionReader::checked_batch(const BatchHeader& header, ByteView bytes) const {
  if (check_ == ReadCheck::checksums) TRY(check_batch_crc(header, bytes));
  return view_batch(header, bytes);
}

// Reads whole batches into the storage, with few calls: small ones in one piece, large ones one by
// one, always with the header of the batch that follows, which tells its length.
Result<> PartitionReader::fetch(ReadBuffer& buffer, std::size_t bytes_max) {
  fetched_.filled = fetched_.parsed = 0;
  fetched_.batches.clear();
  while (next_base_ < segment_.end) {
    std::size_t wanted = next_bytes_ == 0 ? kReadFirst : next_bytes_ + kBatchHeaderBytes;
    if (next_bytes_ != 0 && fetched_.parsed + next_bytes_ > bytes_max) return {};
    if (next_bytes_ < kReadAlone) wanted = std::max(wanted, bytes_max - fetched_.parsed);
    wanted = std::min<std::uint64_t>(std::min(wanted, kFetchBytesMax), available());
    wanted = std::max(wanted, std::min<std::uint64_t>(kBatchHeaderBytes, available()));
    std::size_t have = fetched_.filled - fetched_.parsed;
    if (wanted > have) {
      grow_storage(buffer, fetched_.parsed + wanted);
      ByteSpan into(buffer.storage.data() + fetched_.filled, wanted - have);
      TRY(read_exactly(fd_.get(), into, at_ + have, segment_.path));
      fetched_.filled = fetched_.parsed + wanted;
    }
    std::size_t before = fetched_.batches.size();
    TRY(parse_fetched(buffer, bytes_max));
    // Growing the storage would move what the views point to, so views are made in deliver_fetched.
    bool progress = fetched_.batches.size() > before;
    if (progress && fetched_.parsed + kReadAlone > bytes_max) return {};
  }
  return {};
}

// Takes the whole batches that are there; sets next_bytes_ to the length of the one that follows.
Result<> PartitionReader::parse_fetched(const ReadBuffer& buffer, std::size_t bytes_max) {
  next_bytes_ = 0;
  while (next_base_ < segment_.end) {
    std::size_t have = fetched_.filled - fetched_.parsed;
    if (have < kBatchHeaderBytes && available() >= kBatchHeaderBytes) return {};
    auto header = TRY(header_at({buffer.storage.data() + fetched_.parsed, have}));
    next_bytes_ = header.bytes();
    if (next_bytes_ > have || fetched_.parsed + next_bytes_ > bytes_max) return {};
    fetched_.batches.push_back({.header = header});
    fetched_.parsed += next_bytes_;
    at_ += next_bytes_;
    next_base_ = header.end();
    next_bytes_ = 0;
  }
  return {};
}

Result<std::size_t> PartitionReader::deliver_fetched(ReadBuffer& buffer) {
  const BatchHeader& front = fetched_.batches.front().header;
  auto skipped = front.is_gap() ? 0 : static_cast<std::uint32_t>(position_ - front.base);
  std::size_t rows = 0, at = 0;
  for (const BatchView& batch : fetched_.batches) rows += batch.header.count;
  resize_rows(buffer, rows - skipped);
  rows = 0;
  for (const BatchView& found : fetched_.batches) {
    ByteView bytes(buffer.storage.data() + at, found.header.bytes());
    BatchView batch = TRY(checked_batch(found.header, bytes));
    fill_rows(batch, skipped, batch.header.count, buffer, rows);
    rows += batch.header.count - skipped;
    at += bytes.size();
    skipped = 0;
  }
  position_ = next_base_;
  return rows;
}

// Reads the batch at at_ into memory of our own; next_bytes_ is its length.
Result<> PartitionReader::load_large() {
  CHECK(next_bytes_ >= kBatchHeaderBytes);
  large_.resize(next_bytes_);
  TRY(read_exactly(fd_.get(), large_, at_, segment_.path));
  auto header = TRY(header_at(large_));
  if (header.bytes() != large_.size())
    return fail(ErrorCode::corrupt, "a record batch changed while it was read");
  large_view_ = TRY(checked_batch(header, large_));
  has_large_ = true;
  return {};
}

Result<std::size_t> PartitionReader::deliver_large(ReadBuffer& buffer, std::size_t bytes_max) {
  if (large_view_.header.is_gap()) {
    resize_rows(buffer, 0);
    pass_large(large_view_.header.end());
    return 0;
  }
  auto first = static_cast<std::uint32_t>(position_ - large_view_.header.base);
  std::uint32_t last = first + 1, past = large_view_.header.count + 1;
  while (past - last > 1) {  // the most rows whose bytes fit
    std::uint32_t middle = last + (past - last) / 2;
    (payload_bytes(large_view_, first, middle) <= bytes_max ? last : past) = middle;
  }
  copy_rows(large_view_, first, last, buffer);
  position_ += last - first;
  if (last == large_view_.header.count) pass_large(position_);
  return last - first;
}

void PartitionReader::pass_large(Offset next) {
  has_large_ = false;
  at_ += large_.size();
  position_ = next_base_ = next;
  next_bytes_ = 0;
}

}  // namespace penstock::topics
