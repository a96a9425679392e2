// Encodings of record keys and values.
#pragma once

#include <cstdint>

namespace penstock::format {

enum class Kind : std::uint8_t {
  json,       // an object per record, or one bare value
  delimited,  // fields by position, quoted as RFC 4180 has it
  kafka,      // one column in Kafka's primitive encodings
  none,       // no bytes
};

struct Options {
  Kind kind = Kind::json;
  char delimiter = ',';    // delimited
  bool unwrapped = false;  // json: the record is the bare value of the one column
};

}  // namespace penstock::format
