#include "topics/partition.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/check.h"
#include "base/crash_point.h"
#include "topics/limits.h"
#include "topics/segment_scan.h"

namespace penstock::topics {
namespace {

constexpr std::uint64_t kMarkDistance = 256 << 10;

}  // namespace

Error damage_at(const TopicPartition& partition, Offset offset, const Error& error) {
  if (error.code() == ErrorCode::unsupported || error.code() == ErrorCode::io ||
      error.code() == ErrorCode::permission_denied)
    return error.in(fmt::format("partition {}/{}, offset {}", partition.topic.text(),
                                partition.partition, offset));
  return Error(
      ErrorCode::corrupt,
      fmt::format("partition {}/{}, offset {}: {}; `penstock repair` shows what is lost and "
                  "can cut it off",
                  partition.topic.text(), partition.partition, offset, error.text()));
}

ReadableSegment Partition::segment_of(Offset offset) const {
  std::lock_guard lock(published_mutex_);
  ReadableSegment segment;
  if (segment_bases_.empty()) return segment;  // nothing was ever committed
  auto next = std::upper_bound(segment_bases_.begin(), segment_bases_.end(), offset);
  if (next == segment_bases_.begin()) ++next;  // deleted meanwhile; the reader will see it
  segment.base = *(next - 1);
  segment.end = next == segment_bases_.end() ? committed_.end : *next;
  if (next == segment_bases_.end()) segment.bytes = committed_.bytes;
  segment.path = folder_ / segment_file_name(segment.base);
  segment.generation = generation_;
  segment.known = segment.base;
  auto mark = std::upper_bound(marks_.begin(), marks_.end(), offset,
                               [](Offset wanted, const Mark& m) { return wanted < m.offset; });
  if (mark != marks_.begin() && (mark - 1)->segment_base == segment.base) {
    segment.known = (mark - 1)->offset;
    segment.known_at = (mark - 1)->at;
  }
  return segment;
}

bool Partition::is_current(const ReadableSegment& segment) const {
  std::lock_guard lock(published_mutex_);
  return segment.generation == generation_;
}

void Partition::note_replacement(Offset base) {
  std::lock_guard lock(published_mutex_);
  ++generation_;
  std::erase_if(marks_, [&](const Mark& mark) { return mark.segment_base == base; });
  sizes_.erase(base);
}

Tail Partition::committed() const {
  std::lock_guard lock(published_mutex_);
  return committed_;
}

void Partition::add_mark(const Tail& tail) {
  bool far = marks_.empty() || marks_.back().segment_base != tail.segment_base ||
             marks_.back().at + kMarkDistance <= tail.bytes;
  if (far && tail.bytes > 0) marks_.push_back({tail.end, tail.segment_base, tail.bytes});
}

Result<> Partition::recover(const Tail& tail, std::vector<Offset> segment_bases, Offset first) {
  TRY(check_segments_exist(tail, segment_bases, first));
  TRY(check_last_segment(tail));
  std::lock_guard lock(published_mutex_);
  committed_ = staged_ = tail;
  segment_bases_ = std::move(segment_bases);
  add_mark(tail);
  end_ = tail.end;
  first_ = first;
  return {};
}

Result<> Partition::check_segments_exist(const Tail& tail, const std::vector<Offset>& bases,
                                         Offset first) const {
  bool sound = bases.empty() ? tail == Tail{}
                             : bases.front() == first && bases.back() == tail.segment_base &&
                                   tail.end > tail.segment_base;
  if (!sound)
    return fail(damage_at(name(), tail.end,
                          Error(ErrorCode::corrupt,
                                "the state database's list of "
                                "segments does not fit")));
  for (Offset base : bases) {
    std::error_code error;
    if (!std::filesystem::exists(folder_ / segment_file_name(base), error))
      return fail(damage_at(name(), base,
                            Error(ErrorCode::corrupt, fmt::format("segment '{}' is missing",
                                                                  segment_file_name(base)))));
  }
  return {};
}

// Earlier segments are not read again: their bytes were sound when the log rolled on, each is
// checked whenever it is read, and `penstock repair` checks all. The last one is where a crash
// leaves marks.
Result<> Partition::check_last_segment(const Tail& tail) const {
  if (tail.bytes == 0) return {};
  ScanEnd seen = scan_segment(folder_ / segment_file_name(tail.segment_base),
                              {.topic_id = topic_id(),
                               .partition = static_cast<std::uint32_t>(name().partition),
                               .base = tail.segment_base,
                               .end = tail.end,
                               .bytes = tail.bytes});
  if (seen.damage) return fail(damage_at(name(), seen.offset, *seen.damage));
  if (seen.bytes != tail.bytes || seen.last_crc != tail.last_crc)
    return fail(damage_at(name(), seen.offset,
                          Error(ErrorCode::corrupt,
                                "the segment does not end with the batch that "
                                "was committed last")));
  return {};
}

Result<> Partition::cut_behind() {
  const Tail tail = committed();
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (entry.path().extension() == kCompactedSuffix) {  // unfinished
      std::filesystem::remove(entry.path(), error);
      continue;
    }
    auto base = parse_segment_file_name(entry.path().filename().string());
    if (!base || (*base >= first() && *base < tail.segment_base)) continue;
    bool orphan = *base < first() || *base > tail.segment_base || tail.bytes == 0;
    if (orphan) {
      retire_segment(settings_, entry.path());
      CRASH_POINT("embedded.recover.after_orphan");
    } else if (entry.file_size(error) > tail.bytes) {
      if (::truncate(entry.path().c_str(), static_cast<off_t>(tail.bytes)) != 0)
        return fail(os_error("cutting", entry.path(), errno));
      CRASH_POINT("embedded.recover.after_cut");
    }
  }
  return {};
}

Result<> Partition::stage(EncodedBatches& batches, std::uint64_t round) {
  ByteSpan bytes = batches.bytes();
  std::size_t run_start = 0, at = 0;
  while (at < bytes.size()) {
    BatchHeader header = place_batch(bytes.subspan(at), staged_.end, round);
    std::size_t length = header.bytes();
    if (staged_.bytes == 0 || is_full(header)) {
      TRY(write_run(bytes.subspan(run_start, at - run_start), staged_.bytes - (at - run_start)));
      TRY(roll(staged_.end));
      run_start = at;
      first_time_ = {staged_.end, header.first_timestamp_ms};
    }
    staged_.bytes += length;
    staged_.end = header.end();
    staged_.last_crc = header.crc;
    at += length;
  }
  return write_run(bytes.subspan(run_start), staged_.bytes - (at - run_start));
}

// A segment goes as a whole, so where little may stay, segments are short.
bool Partition::is_full(const BatchHeader& next) {
  constexpr int kPieces = 4;  // of what is kept
  std::uint64_t bytes_max = settings_.segment_bytes;
  if (retention_.bytes)
    bytes_max = std::min<std::uint64_t>(
        bytes_max, std::max<std::uint64_t>(*retention_.bytes / kPieces, kSegmentBytesMin));
  if (staged_.bytes + next.bytes() > bytes_max) return true;
  if (!retention_.age) return false;
  std::int64_t lasts_ms = 0;  // timestamps are the producers', so they may lie any distance apart
  if (__builtin_sub_overflow(next.first_timestamp_ms, first_time_of_staged(next.first_timestamp_ms),
                             &lasts_ms))
    return next.first_timestamp_ms > 0;
  return lasts_ms > retention_.age->count() / kPieces;
}

// After the log was opened, or a commit was taken back, the file has to say it.
data::TimestampMs Partition::first_time_of_staged(data::TimestampMs otherwise) {
  if (first_time_ && first_time_->base == staged_.segment_base) return first_time_->at_ms;
  const ScanLimits first_batch{.topic_id = topic_id(),
                               .partition = static_cast<std::uint32_t>(name().partition),
                               .base = staged_.segment_base,
                               .end = staged_.segment_base + 1,
                               .bytes = std::nullopt};
  auto times = segment_times(folder_ / segment_file_name(staged_.segment_base), first_batch);
  first_time_ = {staged_.segment_base, times ? times->first_ms : otherwise};
  return first_time_->at_ms;
}

std::vector<Partition::ClosedSegment> Partition::closed_segments() const {
  std::lock_guard lock(published_mutex_);
  std::vector<ClosedSegment> closed;
  for (std::size_t i = 0; i + 1 < segment_bases_.size(); ++i) {
    const Offset base = segment_bases_[i];
    const std::filesystem::path path = folder_ / segment_file_name(base);
    auto [size, asked] = sizes_.try_emplace(base, 0);
    std::error_code error;
    if (asked) size->second = std::filesystem::file_size(path, error);
    if (error) size->second = 0;
    closed.push_back({base, segment_bases_[i + 1], path, size->second});
  }
  return closed;
}

std::uint64_t Partition::bytes() const {
  std::uint64_t bytes = committed().bytes;
  for (const ClosedSegment& segment : closed_segments()) bytes += segment.bytes;
  return bytes;
}

Offset Partition::base_at(Offset before) const {
  std::lock_guard lock(published_mutex_);
  auto next = std::upper_bound(segment_bases_.begin(), segment_bases_.end(), before);
  return next == segment_bases_.begin() ? first() : *(next - 1);
}

std::vector<std::filesystem::path> Partition::forget_before(Offset base) {
  std::vector<std::filesystem::path> files;
  {
    std::lock_guard lock(published_mutex_);
    const auto kept = std::ranges::lower_bound(segment_bases_, base);
    for (auto gone = segment_bases_.begin(); gone != kept; ++gone)
      files.push_back(folder_ / segment_file_name(*gone));
    segment_bases_.erase(segment_bases_.begin(), kept);
    std::erase_if(marks_, [&](const Mark& mark) { return mark.segment_base < base; });
    sizes_.erase(sizes_.begin(), sizes_.lower_bound(base));
    first_ = base;
  }
  watchers_->notify();  // readers behind it are told
  return files;
}

Result<> Partition::write_run(ByteView run, std::uint64_t at) {
  if (run.empty()) return {};
  TRY(open_file());
  return file_.write(settings_, run, at);
}

Result<> Partition::roll(Offset base) {
  if (staged_.bytes > 0) {
    TRY(open_file());
    file_.cut(staged_.bytes);
    rolled_.push_back({staged_.segment_base, std::move(file_)});
  }
  file_ = {};
  staged_.segment_base = base;
  staged_.bytes = 0;
  staged_bases_.push_back(base);
  CRASH_POINT("embedded.roll.before_open");
  TRY(open_file());
  CRASH_POINT("embedded.roll.after_open");
  return {};
}

Result<> Partition::open_file() {
  if (file_.is_open()) return {};
  std::error_code error;
  if (!std::filesystem::exists(folder_, error)) std::filesystem::create_directories(folder_, error);
  file_ = TRY(SegmentFile::open(settings_, folder_ / segment_file_name(staged_.segment_base)));
  return {};
}

void Partition::unstage(const Tail& back_to) {
  staged_ = back_to;
  // What was staged before this commit in the same round stays; the first segment of all is only
  // listed once it has bytes.
  std::erase_if(staged_bases_, [&](Offset base) {
    if (base <= back_to.segment_base && back_to.bytes != 0) return false;
    file_ = {};
    std::error_code ignored;  // if it stays, the next open() removes it
    std::filesystem::remove(folder_ / segment_file_name(base), ignored);
    return true;
  });
  // Files that only this commit has rolled on from: the one that it began in is written to again.
  while (!rolled_.empty() && rolled_.back().base >= back_to.segment_base) {
    if (rolled_.back().base == back_to.segment_base && back_to.bytes != 0)
      file_ = std::move(rolled_.back().file);
    rolled_.pop_back();
  }
}

Result<> Partition::sync_staged() {
  for (Rolled& rolled : rolled_) TRY(rolled.file.sync(settings_));
  if (file_.is_open()) TRY(file_.sync(settings_));
  return {};
}

void Partition::put_staged(StateBatch& batch) const {
  batch.put_tail(topic_id(), name().partition, staged_);
  for (Offset base : staged_bases_) batch.put_segment(topic_id(), name().partition, base);
}

void Partition::publish() {
  {
    std::lock_guard lock(published_mutex_);
    committed_ = staged_;
    segment_bases_.insert(segment_bases_.end(), staged_bases_.begin(), staged_bases_.end());
    add_mark(staged_);
  }
  staged_bases_.clear();
  rolled_.clear();
  if (end_.exchange(staged_.end) != staged_.end) watchers_->notify();
}

void Partition::mark_removed() {
  removed_ = true;
  watchers_->notify();
}

void Partition::release_file() {
  if (file_.is_open()) file_.cut(staged_.bytes);
  file_ = {};
}

}  // namespace penstock::topics
