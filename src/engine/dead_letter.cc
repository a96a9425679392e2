#include "engine/dead_letter.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "engine/limits.h"
#include "topics/limits.h"
#include "topics/own_headers.h"

namespace penstock::engine {
namespace {

constexpr std::size_t kOwnHeadersMax = 8;      // of every letter; one more with an epoch
constexpr std::size_t kLeftOutBytesMax = 128;  // of the headers that say what is left out

std::size_t cell_bytes(const std::optional<ByteView>& cell) {
  return cell ? cell->size() : 0;
}

void add_header(ByteBuffer& packed, std::string_view name, std::string_view value) {
  topics::append_header(packed, {name, as_bytes(value)});
}

void add_header(ByteBuffer& packed, std::string_view name, std::int64_t number) {
  char text[20];
  const char* end = std::to_chars(text, std::end(text), number).ptr;
  add_header(packed, name, std::string_view(text, end));
}

}  // namespace

std::string dead_letters_topic(std::string_view query_id) {
  return fmt::format("{}{}", query_id, topics::kDeadLettersSuffix);
}

void DeadLetters::begin_with(const topics::TopicPartition& origin, std::string_view reason) {
  if (origin_ == origin && reason_ == reason) [[likely]]
    return;
  namespace names = topics::dead_letter;
  origin_ = origin;
  reason_ = reason;
  shared_.clear();
  add_header(shared_, names::kOriginTopic, origin.topic.text());
  add_header(shared_, names::kOriginPartition, origin.partition);
  add_header(shared_, names::kReason, reason);
  add_header(shared_, names::kQuery, query_id_);
}

void DeadLetters::add(const topics::RecordView& record, const Origin& origin,
                      std::string_view reason) {
  namespace names = topics::dead_letter;
  begin_with(origin.partition, reason);
  packed_ = shared_;
  add_header(packed_, names::kOriginOffset, origin.offset);
  add_header(packed_, names::kOriginTimestamp, record.timestamp_ms);
  if (!origin.epoch.empty()) add_header(packed_, names::kOriginEpoch, origin.epoch);
  topics::RecordView letter{record.key, record.value,
                            std::max(record.timestamp_ms, rules_.timestamp_ms_min)};
  const std::size_t ours = packed_.size() + kLeftOutBytesMax;
  const std::size_t room = rules_.record_bytes_max - std::min(ours, rules_.record_bytes_max);
  if (cell_bytes(record.key) + cell_bytes(record.value) > room) [[unlikely]] {
    letter.value = std::nullopt;
    const bool key_too = cell_bytes(record.key) > room;
    if (key_too) letter.key = std::nullopt;
    add_header(packed_, names::kOmitted, key_too ? "key,value" : "value");
  }
  if (!record.headers.empty())
    add_foreign(record.headers, room - cell_bytes(letter.key) - cell_bytes(letter.value),
                kOwnHeadersMax + (origin.epoch.empty() ? 0 : 1));
  letter.headers = packed_;
  letters_.append(letter);
}

void DeadLetters::add_foreign(ByteView headers, std::size_t room, std::size_t own_max) {
  topics::HeaderWalk walk(headers);
  std::uint32_t added = 0;
  while (own_max + added < topics::kHeadersMax) {
    const std::optional<topics::HeaderView> header = walk.next();
    if (!header || topics::foreign_header_bytes(*header) > room) break;
    room -= topics::foreign_header_bytes(*header);
    topics::append_foreign_header(packed_, *header);
    ++added;
  }
  if (added < walk.count())
    add_header(packed_, topics::dead_letter::kHeadersTruncated, walk.count() - added);
}

bool DeadLetters::is_worth_handing_over() const {
  return letters_.bytes() >= kHandOverBytes;
}

Result<> DeadLetters::append_to(topics::Commit& commit, const topics::TopicPartition& to) {
  if (letters_.empty()) return {};
  TRY_IN(commit.append(to, letters_), "writing dead letters");
  handed_over_ += letters_.size();
  handed_over_bytes_ += letters_.bytes();
  letters_.clear();
  return {};
}

void DeadLetters::clear() {
  letters_.clear();
  handed_over_ = handed_over_bytes_ = 0;
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
