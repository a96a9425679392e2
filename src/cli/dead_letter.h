// Dead letters as the engine writes them: the original key, value, timestamp and headers, and
// headers of ours that say where they came from (topics/own_headers.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "topics/record.h"

namespace penstock::cli {

struct DeadLetterOrigin {
  std::string topic;
  std::int32_t partition = 0;
  data::TimestampMs timestamp_ms = 0;
};

// Whether a topic's name says that it holds dead letters.
bool is_dead_letter_topic(std::string_view topic);

// Nothing when the headers do not name an origin.
std::optional<DeadLetterOrigin> origin_of(const topics::RecordView& record);

}  // namespace penstock::cli
