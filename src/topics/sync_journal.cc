#include "topics/sync_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/crash_point.h"
#include "topics/crc32c.h"
#include "topics/limits.h"

namespace penstock::topics {
namespace {

static_assert(std::endian::native == std::endian::little);
constexpr std::array<char, 4> kJournalMagic = {'P', 'S', 'J', '1'};

struct BlockHead {
  std::array<char, 4> magic;
  std::uint32_t crc;  // of what follows it
  std::uint64_t lap;
  std::uint64_t round;
  std::uint32_t bytes;  // behind this head
  std::uint32_t entries;
};
static_assert(sizeof(BlockHead) == 32);
constexpr std::size_t kCrcFrom = 8;

struct EntryHead {
  std::uint32_t topic_id;
  std::int32_t partition;
  std::int64_t segment_base;
  std::uint64_t at;
  std::uint32_t bytes;
  std::uint32_t zero;
};
static_assert(sizeof(EntryHead) == kJournalEntryBytes);

template <typename Head>
Head head_at(ByteView bytes, std::size_t at) {
  Head head;
  std::memcpy(&head, bytes.data() + at, sizeof head);
  return head;
}

template <typename Head>
void append_head(ByteBuffer& to, const Head& head) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&head);
  to.insert(to.end(), bytes, bytes + sizeof head);
}

std::size_t block_bytes(std::span<const JournalEntry> entries) {
  std::size_t bytes = sizeof(BlockHead) + entries.size() * sizeof(EntryHead);
  for (const JournalEntry& entry : entries) bytes += entry.bytes.size();
  return bytes;
}

void make_block(ByteBuffer& block, std::span<const JournalEntry> entries, std::uint64_t lap,
                std::uint64_t round) {
  block.clear();
  const std::size_t bytes = block_bytes(entries);
  block.reserve(bytes);
  append_head(block, BlockHead{.magic = kJournalMagic,
                               .crc = 0,
                               .lap = lap,
                               .round = round,
                               .bytes = static_cast<std::uint32_t>(bytes - sizeof(BlockHead)),
                               .entries = static_cast<std::uint32_t>(entries.size())});
  for (const JournalEntry& entry : entries)
    append_head(block, EntryHead{.topic_id = entry.topic_id,
                                 .partition = entry.partition,
                                 .segment_base = entry.segment_base,
                                 .at = entry.at,
                                 .bytes = static_cast<std::uint32_t>(entry.bytes.size()),
                                 .zero = 0});
  for (const JournalEntry& entry : entries)
    block.insert(block.end(), entry.bytes.begin(), entry.bytes.end());
  const std::uint32_t crc = crc32c(ByteView(block).subspan(kCrcFrom));
  std::memcpy(block.data() + kJournalMagic.size(), &crc, sizeof crc);
}

// The entries of the block that fills `block`; nullopt: it is not whole.
std::optional<std::vector<JournalEntry>> entries_of(const BlockHead& head, ByteView block) {
  if (crc32c(block.subspan(kCrcFrom)) != head.crc) return std::nullopt;
  if (head.entries > head.bytes / sizeof(EntryHead)) return std::nullopt;
  std::vector<JournalEntry> entries;
  std::size_t at = sizeof(BlockHead), data = at + head.entries * sizeof(EntryHead);
  for (std::uint32_t i = 0; i < head.entries; ++i, at += sizeof(EntryHead)) {
    const auto entry = head_at<EntryHead>(block, at);
    if (entry.bytes > block.size() - data) return std::nullopt;
    entries.push_back({.topic_id = entry.topic_id,
                       .partition = entry.partition,
                       .segment_base = entry.segment_base,
                       .at = entry.at,
                       .bytes = block.subspan(data, entry.bytes)});
    data += entry.bytes;
  }
  return entries;
}

Result<> sync_fd(int fd, const std::filesystem::path& path) {
  if (::fdatasync(fd) != 0) return fail(os_error("syncing", path, errno));
  return {};
}

Result<> write_at(int fd, ByteView bytes, std::uint64_t at, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os_error("writing", path, errno));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

// What lies below the committed end of the segment that the partition ends in. An earlier segment
// was synced when the log rolled on.
Result<> put_back(const std::filesystem::path& partition_folder, const Tail& tail,
                  std::span<const JournalEntry> entries) {
  UniqueFd fd;
  const auto path = partition_folder / segment_file_name(tail.segment_base);
  for (const JournalEntry& entry : entries) {
    if (entry.segment_base != tail.segment_base || entry.bytes.size() > tail.bytes ||
        entry.at > tail.bytes - entry.bytes.size())
      continue;
    if (!fd) fd = UniqueFd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd && errno == ENOENT) return {};  // whoever looks at the segments says so
    if (!fd) return fail(os_error("opening", path, errno));
    TRY(write_at(fd.get(), entry.bytes, entry.at, path));
  }
  return fd ? sync_fd(fd.get(), path) : Result<>();
}

}  // namespace

bool SyncJournal::has_room(std::span<const JournalEntry> entries) const {
  return end_ + block_bytes(entries) <= kJournalBytes;
}

// Filled with zeros that are really there, so that later syncs find nothing but data to write.
Result<> SyncJournal::open() {
  if (fd_) return {};
  UniqueFd fd(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail(os_error("making", path_, errno));
  TRY(write_at(fd.get(), ByteBuffer(kJournalBytes), 0, path_));
  TRY(sync_fd(fd.get(), path_));
  TRY(sync_folder(path_.parent_path()));
  fd_ = std::move(fd);
  return {};
}

Result<> SyncJournal::write(ByteView bytes, std::uint64_t at) {
  if (settings_.faults != nullptr) {
    for (const DiskStep step : {DiskStep::write, DiskStep::sync})
      if (const int error = settings_.faults->before(step, bytes.size()))
        return fail(os_error("writing", path_, error));
  }
  TRY(write_at(fd_.get(), bytes, at, path_));
  return sync_fd(fd_.get(), path_);
}

Result<> SyncJournal::append(std::span<const JournalEntry> entries, std::uint64_t round) {
  TRY(open());
  make_block(block_, entries, lap_, round);
  auto written = write(block_, end_);
  last_ = end_;
  if (written)
    end_ += block_.size();
  else
    (void)take_back();
  return written;
}

Result<> SyncJournal::void_block(std::uint64_t at) {
  const ByteBuffer nothing(sizeof(BlockHead));
  TRY(write_at(fd_.get(), nothing, at, path_));
  return sync_fd(fd_.get(), path_);
}

Result<> SyncJournal::take_back() {
  const Result<> voided = void_block(last_);
  doubtful_ = doubtful_ || !voided;
  end_ = last_;
  return voided;
}

Result<> SyncJournal::clear() {
  if (end_ == 0) return {};
  TRY(void_block(0));
  end_ = last_ = 0;
  ++lap_;
  return {};
}

void SyncJournal::remove() {
  if (!fd_) return;
  fd_ = {};
  end_ = last_ = 0;
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

JournalContents parse_journal(ByteView file) {
  JournalContents out;
  std::optional<std::uint64_t> lap;
  while (file.size() >= sizeof(BlockHead)) {
    const auto head = head_at<BlockHead>(file, 0);
    if (head.magic != kJournalMagic || head.lap != lap.value_or(head.lap) ||
        head.bytes > file.size() - sizeof(BlockHead))
      break;
    const std::size_t bytes = sizeof(BlockHead) + head.bytes;
    const auto entries = entries_of(head, file.first(bytes));
    if (!entries) break;
    for (const JournalEntry& entry : *entries)
      out.entries[{entry.topic_id, entry.partition}].push_back(entry);
    lap = head.lap;
    out.newest_round = std::max(out.newest_round, head.round);
    file = file.subspan(bytes);
  }
  return out;
}

Result<UnknownBatches> settle_journal(const std::filesystem::path& log_folder, StateStore& store) {
  const auto path = log_folder / kJournalName;
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd && errno == ENOENT) return UnknownBatches{};
  if (!fd) return fail(os_error("opening", path, errno));
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    return fail(ErrorCode::failed_precondition,
                fmt::format("'{}' is no file of Penstock's: move it away", path.string()));
  const auto size =
      std::min<std::uintmax_t>(std::filesystem::file_size(path, error), kJournalBytes);
  if (error) return fail(os_error("asking about", path, error.value()));
  ByteBuffer bytes(size);
  TRY(read_exactly(fd.get(), bytes, 0, path));
  const JournalContents contents = parse_journal(bytes);
  if (contents.newest_round > store.next_round())
    return UnknownBatches{.newest_round = contents.newest_round,
                          .end = 0,
                          .segments = {path},
                          .where = "file 'journal'"};
  for (const StoredTopic& topic : TRY(store.topics())) {
    for (std::int32_t i = 0; i < topic.spec.partitions; ++i) {
      const auto found = contents.entries.find({topic.id, i});
      if (found == contents.entries.end()) continue;
      TRY(put_back(log_folder / "topics" / topic.spec.name.text() / std::to_string(i),
                   TRY(store.tail(topic.id, i)), found->second));
    }
  }
  CRASH_POINT("embedded.recover.after_journal");
  if (!std::filesystem::remove(path, error) && error)
    return fail(os_error("removing", path, error.value()));
  TRY(sync_folder(log_folder));
  return UnknownBatches{};
}

}  // namespace penstock::topics
