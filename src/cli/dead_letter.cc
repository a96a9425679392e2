#include "cli/dead_letter.h"

#include <charconv>
#include <vector>

#include "topics/own_headers.h"

namespace penstock::cli {
namespace {

template <typename T>
bool read_decimal(const std::vector<topics::Header>& headers, std::string_view name, T& out) {
  for (const topics::Header& header : headers) {
    if (header.name != name || !header.value) continue;
    std::string_view text = as_text(*header.value);
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
  }
  return false;
}

}  // namespace

bool is_dead_letter_topic(std::string_view topic) {
  return topic.ends_with(topics::kDeadLettersSuffix);
}

std::optional<DeadLetterOrigin> origin_of(const topics::RecordView& record) {
  Result<std::vector<topics::Header>> headers = topics::unpack_headers(record.headers);
  if (!headers) return std::nullopt;
  DeadLetterOrigin out;
  for (const topics::Header& header : *headers)
    if (header.name == topics::dead_letter::kOriginTopic && header.value)
      out.topic = as_text(*header.value);
  bool whole = !out.topic.empty() &&
               read_decimal(*headers, topics::dead_letter::kOriginPartition, out.partition) &&
               read_decimal(*headers, topics::dead_letter::kOriginTimestamp, out.timestamp_ms);
  return whole ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace penstock::cli
