// Upper, lower and title case, and what kind of character one is.
#pragma once

#include <cstdint>

#include "engine/functions/unicode_tables.h"

namespace penstock::engine::functions {

CharacterClass class_of(std::uint32_t code);

// Of class `other`: letters without case and marks on letters, numbers that are no decimal digits,
// and the rest.
enum class OtherKind : std::uint8_t { letter, number, rest };
OtherKind other_kind_of(std::uint32_t code);

// Up to three characters; independent of any locale.
struct CaseMapping {
  std::uint32_t codes[3];
  int count;
};
CaseMapping to_upper(std::uint32_t code);
CaseMapping to_lower(std::uint32_t code);

// How many bytes of UTF-8 a mapping may make of one byte, at most.
inline constexpr int kCaseGrowthMax = 3;

}  // namespace penstock::engine::functions
