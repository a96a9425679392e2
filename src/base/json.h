// JSON of configuration, policies and REST bodies (never of stream records: format does those).
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace penstock {

using Json = nlohmann::json;                 // members sorted by name
using OrderedJson = nlohmann::ordered_json;  // members as inserted

struct JsonLimits {
  std::size_t bytes_max = 1 << 20;
  std::size_t depth_max = 32;
};

// Parses one JSON text. Refuses trailing bytes, duplicate members, invalid UTF-8, and what passes
// the limits; the error names `what` and the byte position, and quotes nothing of the text.
Result<Json> parse_json(std::string_view text, std::string_view what, JsonLimits limits = {});

// The canonical form (RFC 8785): no white space, members sorted by UTF-16 code units. Numbers must
// be integers of at most 2^53 - 1 either way. invalid_argument: another number (1.0 too), invalid
// UTF-8, binary values; limit_exceeded: nested deeper than 64.
Result<std::string> canonical_json(const Json& value);

// Members of an object, by name and type, with errors such as "policy: member 'id' is missing".
Result<std::string> json_string(const Json& object, std::string_view what, const char* member);
Result<std::int64_t> json_integer(const Json& object, std::string_view what, const char* member);
Result<bool> json_bool(const Json& object, std::string_view what, const char* member);

}  // namespace penstock
