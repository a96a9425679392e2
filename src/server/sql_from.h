// Who may say what SQL a server runs.
#pragma once

#include <cstdint>
#include <string_view>

namespace penstock::server {

enum class SqlFrom : std::uint8_t {
  anybody,        // development: every statement is taken
  configuration,  // keys and a plain configuration: its SQL alone, and what its keys signed
  measured,       // a packed configuration, whose digest stands in the evidence: likewise
};

constexpr std::string_view name_of(SqlFrom from) {
  constexpr std::string_view kNames[] = {"anybody", "configuration", "measured"};
  return kNames[static_cast<std::uint8_t>(from)];
}

}  // namespace penstock::server
