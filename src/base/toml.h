// TOML 1.0 of configuration files, as values with the lines they came from. Dates and times are
// refused: nothing here has any.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

namespace penstock {

struct TomlValue;
using TomlArray = std::vector<TomlValue>;
using TomlTable = std::map<std::string, TomlValue, std::less<>>;

struct TomlValue {
  std::variant<bool, std::int64_t, double, std::string, TomlArray, TomlTable> value;
  int line = 0;  // from 1; where the value (of a table: its heading or first key) stands
};

struct TomlLimits {
  std::size_t bytes_max = 1 << 20;
  std::size_t depth_max = 16;  // nested arrays, tables and dots in keys
};

// The whole document. invalid_argument: "<what>, line 3: <problem>"; limit_exceeded. The error
// quotes nothing of the text but keys.
Result<TomlTable> parse_toml(std::string_view text, std::string_view what, TomlLimits limits = {});

}  // namespace penstock
