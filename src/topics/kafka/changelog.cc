#include "topics/kafka/changelog.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "topics/read_to_end.h"

namespace penstock::topics::kafka {
namespace {

constexpr std::uint8_t kStateMark = 's', kCheckpointMark = 'c';

}  // namespace

ByteBuffer state_record_key(ByteView key) {
  ByteBuffer out(1 + key.size());
  out[0] = kStateMark;
  std::ranges::copy(key, out.begin() + 1);
  return out;
}

ByteView checkpoint_record_key() {
  return {&kCheckpointMark, 1};
}

Result<> ChangelogContent::take(const RecordView& record) {
  if (!record.key || record.key->empty())
    return fail(ErrorCode::corrupt, "a changelog holds a record without a key");
  ByteView key = *record.key;
  if (key.size() == 1 && key[0] == kCheckpointMark) {
    checkpoint_.reset();
    if (record.value) checkpoint_ = to_buffer(*record.value);
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
