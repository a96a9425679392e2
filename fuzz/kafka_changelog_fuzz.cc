// links: topics data base
// What the log on Kafka reads back from a broker: records of a changelog, and marks of positions.
#include <cstdint>
#include <string_view>

#include "topics/checkpoint.h"
#include "topics/kafka/changelog.h"
#include "topics/kafka/position_mark.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock;
  using namespace penstock::topics::kafka;
  ByteView rest(data, size);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto mark = parse_mark(text)) {
    auto again = parse_mark(to_text(*mark));
    if (!again || again->commit != mark->commit) __builtin_trap();
  }
  ChangelogContent content;
  while (rest.size() >= 2) {  // length of key, length of value (255: a tombstone), both
    const size_t key_bytes = rest[0], value_bytes = rest[1] == 255 ? 0 : rest[1];
    const bool tombstone = rest[1] == 255;
    rest = rest.subspan(2);
    if (rest.size() < key_bytes + value_bytes) break;
    topics::RecordView record{.key = rest.first(key_bytes), .value = std::nullopt};
    if (!tombstone) record.value = rest.subspan(key_bytes, value_bytes);
    if (!content.take(record)) return 0;
    rest = rest.subspan(key_bytes + value_bytes);
  }
  if (content.checkpoint())
    (void)topics::read_checkpoint(*content.checkpoint(), topics::TaskId("Q.0/0"));
  (void)topics::read_checkpoint({data, size}, topics::TaskId("Q.0/0"));
  return 0;
}
