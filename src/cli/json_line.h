// Lines of JSON on their way into a topic: checked whole, taken over byte for byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace penstock::cli {

// A top-level member that the caller wants to know.
struct WantedMember {
  explicit WantedMember(std::string exact_name) : name(std::move(exact_name)) {}

  enum class Seen : std::uint8_t { no, null, text, integer, other };
  std::string name;
  Seen seen = Seen::no;
  std::string text;         // of a string as it is, of a number or boolean as written
  std::int64_t number = 0;  // when seen is integer
};

// Whether the line is one JSON value (RFC 8259, UTF-8) of at most kJsonDepthMax levels; fills
// `wanted` when it is an object. The error quotes nothing of the line.
Result<> check_json_line(std::string_view line, std::vector<WantedMember>& wanted);

}  // namespace penstock::cli
