#include "topics/kafka/changelog.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "topics/crc32c.h"
#include "topics/read_to_end.h"

namespace penstock::topics::kafka {
namespace {

constexpr std::uint8_t kStateMark = 's', kSumMark = 'c', kVersion = 1;
constexpr std::size_t kSumBytes = 1 + 3 * sizeof(std::uint64_t);

// The finaliser of splitmix64: spreads over 64 bits.
std::uint64_t spread(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// Keys are short and must not meet: FNV-1a of 64 bits.
std::uint64_t key_checksum(ByteView key) {
  std::uint64_t x = 0xcbf29ce484222325ULL;
  for (std::uint8_t byte : key) x = (x ^ byte) * 0x100000001b3ULL;
  return spread(x ^ key.size());
}

std::uint64_t entry_checksum(std::uint64_t key, ByteView value) {
  return spread(key ^ (std::uint64_t{crc32c(value)} << 24 ^ value.size()));
}

void put_u64(ByteBuffer& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint64_t get_u64(ByteView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) value = value << 8 | bytes[i];
  return value;
}

}  // namespace

ByteBuffer state_record_key(ByteView key) {
  ByteBuffer out(1 + key.size());
  out[0] = kStateMark;
  std::ranges::copy(key, out.begin() + 1);
  return out;
}

ByteView sum_record_key() {
  return {&kSumMark, 1};
}

ByteBuffer to_record(const ChangelogSum& sum) {
  ByteBuffer out;
  out.reserve(kSumBytes);
  out.push_back(kVersion);
  for (std::uint64_t value : {sum.commits, sum.entries, sum.digest}) put_u64(out, value);
  return out;
}

Result<ChangelogSum> parse_sum(ByteView record) {
  if (record.size() != kSumBytes || record[0] != kVersion)
    return fail(ErrorCode::corrupt,
                fmt::format("a changelog's sum has {} bytes and version {}; expected {} and {}",
                            record.size(), record.empty() ? 0 : record[0], kSumBytes, kVersion));
  return ChangelogSum{get_u64(record.subspan(1)), get_u64(record.subspan(9)),
                      get_u64(record.subspan(17))};
}

ChangelogBalance::ChangelogBalance(const std::map<ByteBuffer, ByteBuffer>& entries,
                                   std::uint64_t commits) {
  for (const auto& [key, value] : entries) {
    std::uint64_t of_key = key_checksum(key);
    std::uint64_t of_entry = entry_checksum(of_key, value);
    checksums_.insert_or_assign(of_key, of_entry);
    sum_.digest += of_entry;
  }
  sum_.entries = entries.size();
  sum_.commits = commits;
}

void ChangelogBalance::apply(const ChangelogUpdate& update) {
  for (const auto& [key, entry] : update.changed_) {
    if (entry)
      checksums_.insert_or_assign(key, *entry);
    else
      checksums_.erase(key);
  }
  sum_ = update.sum_;
}

bool ChangelogUpdate::take_out(std::uint64_t key) {
  std::optional<std::uint64_t> present;
  if (auto found = changed_.find(key); found != changed_.end())
    present = found->second;
  else if (auto stored = base_.checksums_.find(key); stored != base_.checksums_.end())
    present = stored->second;
  if (!present) return false;
  sum_.digest -= *present;
  --sum_.entries;
  return true;
}

void ChangelogUpdate::put(ByteView key, ByteView value) {
  std::uint64_t of_key = key_checksum(key);
  take_out(of_key);
  std::uint64_t of_entry = entry_checksum(of_key, value);
  changed_.insert_or_assign(of_key, of_entry);
  sum_.digest += of_entry;
  ++sum_.entries;
}

void ChangelogUpdate::erase(ByteView key) {
  std::uint64_t of_key = key_checksum(key);
  if (take_out(of_key)) changed_.insert_or_assign(of_key, std::nullopt);
}

Result<> ChangelogContent::take(const RecordView& record) {
  if (!record.key || record.key->empty())
    return fail(ErrorCode::corrupt, "a changelog holds a record without a key");
  ByteView key = *record.key;
  if (key.size() == 1 && key[0] == kSumMark) {
    if (!record.value) return fail(ErrorCode::corrupt, "a changelog's sum was deleted");
    stored_ = TRY(parse_sum(*record.value));
    return {};
  }
  if (key[0] != kStateMark)
    return fail(ErrorCode::corrupt, "a changelog holds a record of an unknown kind");
  ByteBuffer name = to_buffer(key.subspan(1));
  if (record.value)
    entries_.insert_or_assign(std::move(name), to_buffer(*record.value));
  else
    entries_.erase(name);
  return {};
}

ChangelogBalance ChangelogContent::balance() const {
  return {entries_, stored_ ? stored_->commits : 0};
}

Result<> ChangelogContent::check(const TopicPartition& where, std::uint64_t commits_min,
                                 Figures& figures) const {
  ChangelogSum seen = balance().sum();
  ChangelogSum expected = stored_.value_or(ChangelogSum{});
  if (seen == expected && seen.commits >= commits_min) return {};
  return fail(figures.note(
      "changelog_truncated", where,
      fmt::format("the changelog '{}' partition {} is not what was written: {} entries of {} "
                  "commits, expected {} entries of at least {} commits{}. The state of this task "
                  "is lost: see docs/kafka.md, 'A truncated changelog'",
                  where.topic.text(), where.partition, seen.entries, seen.commits, expected.entries,
                  std::max(expected.commits, commits_min),
                  seen.digest == expected.digest ? "" : " and other contents")));
}

Result<> read_changelog(Log& log, Reader& reader, Offset end, const TopicPartition& where,
                        ChangelogContent& content) {
  constexpr std::size_t kReadBytes = 1 << 20;
  constexpr std::chrono::seconds kSayEvery{2};
  auto say_at = std::chrono::steady_clock::now() + kSayEvery;
  ReadBuffer buffer;
  std::uint64_t records = 0;
  while (std::size_t count = TRY(next_before(log, reader, end, buffer, kReadBytes))) {
    for (std::size_t i = 0; i < count; ++i)
      TRY_IN(content.take(buffer[i]),
             fmt::format("partition {}/{} at offset {}", where.topic.text(), where.partition,
                         buffer.offsets[i]));
    records += count;
    if (std::chrono::steady_clock::now() < say_at) continue;
    say_at += kSayEvery;
    log::info("restoring state", {{"changelog", log::Public(where.topic.text())},
                                  {"partition", where.partition},
                                  {"records", records},
                                  {"offset", reader.position()},
                                  {"end", end}});
  }
  return {};
}

}  // namespace penstock::topics::kafka
