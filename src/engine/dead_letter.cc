#include "engine/dead_letter.h"

#include <algorithm>

#include <fmt/format.h>

namespace penstock::engine {
namespace {

topics::Header header(std::string_view name, std::string_view value) {
  return {std::string(name), to_buffer(as_bytes(value))};
}

std::size_t cell_bytes(const std::optional<ByteView>& cell) {
  return cell ? cell->size() : 0;
}

}  // namespace

std::string dead_letters_topic(std::string_view query_id) {
  return fmt::format("{}.dead_letters", query_id);
}

void append_dead_letter(const topics::RecordView& record, const Origin& origin,
                        std::string_view reason, std::string_view query_id,
                        const topics::TopicRules& rules, topics::RecordBatch& to) {
  std::vector<topics::Header> headers = {
      header(dead_letter::kOriginTopic, origin.partition.topic.text()),
      header(dead_letter::kOriginPartition, std::to_string(origin.partition.partition)),
      header(dead_letter::kOriginOffset, std::to_string(origin.offset)),
      header(dead_letter::kOriginTimestamp, std::to_string(record.timestamp_ms)),
      header(dead_letter::kReason, reason),
      header(dead_letter::kQuery, query_id)};
  topics::RecordView letter{record.key, record.value,
                            std::max(record.timestamp_ms, rules.timestamp_ms_min)};
  constexpr std::size_t kOmittedHeaderBytes = 32;
  std::size_t headers_bytes = topics::pack_headers(headers).size() + kOmittedHeaderBytes;
  std::size_t room = rules.record_bytes_max - std::min(headers_bytes, rules.record_bytes_max);
  if (cell_bytes(record.key) + cell_bytes(record.value) > room) {
    letter.value = std::nullopt;
    bool key_too = cell_bytes(record.key) > room;
    if (key_too) letter.key = std::nullopt;
    headers.push_back(header(dead_letter::kOmitted, key_too ? "key,value" : "value"));
  }
  ByteBuffer packed = topics::pack_headers(headers);
  letter.headers = packed;
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
  return fail(ErrorCode::failed_precondition,
              fmt::format("topic '{}', for dead letters, has {} partitions and the source has {}: "
                          "add partitions to it, or remove it and it is made anew",
                          topic.text(), info.spec.partitions, partitions));
}

}  // namespace penstock::engine
