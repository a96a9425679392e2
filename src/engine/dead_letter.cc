#include "engine/dead_letter.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "topics/limits.h"
#include "topics/own_headers.h"

namespace penstock::engine {
namespace {

// For the headers that say what is left out.
constexpr std::size_t kOwnHeadersMax = 8;  // of every letter
constexpr std::size_t kLeftOutBytesMax = 128;
constexpr std::size_t kOwnBytesLikely = 384;

std::size_t cell_bytes(const std::optional<ByteView>& cell) {
  return cell ? cell->size() : 0;
}

// A number as text.
class Decimal {
 public:
  explicit Decimal(std::int64_t value)
      : size_(static_cast<std::size_t>(std::to_chars(text_, std::end(text_), value).ptr - text_)) {}
  std::string_view text() const { return {text_, size_}; }

 private:
  char text_[20];
  std::size_t size_;
};

// Gathers the headers of one letter.
class LetterHeaders {
 public:
  // So many bytes will be needed, more or less.
  explicit LetterHeaders(std::size_t bytes) { packed_.reserve(bytes); }
  void add(std::string_view name, std::string_view value) {
    topics::append_header(packed_, {name, as_bytes(value)});
  }
  void add(std::string_view name, std::int64_t value) { add(name, Decimal(value).text()); }
  void add_epoch(std::string_view epoch) {
    add(topics::dead_letter::kOriginEpoch, epoch);
    ++own_max_;
  }
  // The first ones of `headers` that fit into so many bytes.
  void add_foreign(ByteView headers, std::size_t room) {
    topics::HeaderWalk walk(headers);
    std::uint32_t added = 0;
    while (own_max_ + added < topics::kHeadersMax) {
      std::optional<topics::HeaderView> header = walk.next();
      if (!header || topics::foreign_header_bytes(*header) > room) break;
      room -= topics::foreign_header_bytes(*header);
      topics::append_foreign_header(packed_, *header);
      ++added;
    }
    if (added < walk.count()) add(topics::dead_letter::kHeadersTruncated, walk.count() - added);
  }
  ByteView packed() const { return packed_; }

 private:
  std::size_t own_max_ = kOwnHeadersMax;
  ByteBuffer packed_;
};

}  // namespace

std::string dead_letters_topic(std::string_view query_id) {
  return fmt::format("{}{}", query_id, topics::kDeadLettersSuffix);
}

void append_dead_letter(const topics::RecordView& record, const Origin& origin,
                        std::string_view reason, std::string_view query_id,
                        const topics::TopicRules& rules, topics::RecordBatch& to) {
  namespace names = topics::dead_letter;
  LetterHeaders headers(kOwnBytesLikely + record.headers.size());
  headers.add(names::kOriginTopic, origin.partition.topic.text());
  headers.add(names::kOriginPartition, origin.partition.partition);
  headers.add(names::kOriginOffset, origin.offset);
  headers.add(names::kOriginTimestamp, record.timestamp_ms);
  headers.add(names::kReason, reason);
  headers.add(names::kQuery, query_id);
  if (!origin.epoch.empty()) headers.add_epoch(origin.epoch);
  topics::RecordView letter{record.key, record.value,
                            std::max(record.timestamp_ms, rules.timestamp_ms_min)};
  std::size_t ours = headers.packed().size() + kLeftOutBytesMax;
  std::size_t room = rules.record_bytes_max - std::min(ours, rules.record_bytes_max);
  if (cell_bytes(record.key) + cell_bytes(record.value) > room) {
    letter.value = std::nullopt;
    bool key_too = cell_bytes(record.key) > room;
    if (key_too) letter.key = std::nullopt;
    headers.add(names::kOmitted, key_too ? "key,value" : "value");
  }
  headers.add_foreign(record.headers, room - cell_bytes(letter.key) - cell_bytes(letter.value));
  letter.headers = headers.packed();
  to.append(letter);
}

Result<topics::TopicInfo> ensure_dead_letters_topic(topics::Log& log,
                                                    const topics::TopicName& topic,
                                                    std::int32_t partitions) {
  Result<> created = log.create({.name = topic, .partitions = partitions});
  if (!created && created.error().code() != ErrorCode::already_exists)
    return fail(created.error().in("making the topic for dead letters"));
  topics::TopicInfo info = TRY(log.describe(topic));
  if (info.spec.partitions >= partitions) return info;
  if (Result<> grown = log.grow(topic, partitions); grown) return log.describe(topic);
  return fail(ErrorCode::failed_precondition,
              fmt::format("topic '{}', for dead letters, has {} partitions and the source has {}: "
                          "add partitions to it, or remove it and it is made anew",
                          topic.text(), info.spec.partitions, partitions));
}

}  // namespace penstock::engine
