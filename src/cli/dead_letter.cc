#include "cli/dead_letter.h"

#include <charconv>
#include <vector>

namespace penstock::cli {
namespace {

// As engine writes them; the command line must not know engine, only the format on disk.
constexpr std::string_view kSuffix = ".dead_letters";
constexpr std::string_view kOriginTopic = "origin_topic";
constexpr std::string_view kOriginPartition = "origin_partition";
constexpr std::string_view kOriginTimestamp = "origin_timestamp_ms";

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
  return topic.ends_with(kSuffix);
}

std::optional<DeadLetterOrigin> origin_of(const topics::RecordView& record) {
  Result<std::vector<topics::Header>> headers = topics::unpack_headers(record.headers);
  if (!headers) return std::nullopt;
  DeadLetterOrigin out;
  for (const topics::Header& header : *headers)
    if (header.name == kOriginTopic && header.value) out.topic = as_text(*header.value);
  bool whole = !out.topic.empty() && read_decimal(*headers, kOriginPartition, out.partition) &&
               read_decimal(*headers, kOriginTimestamp, out.timestamp_ms);
  return whole ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace penstock::cli
