// Unicode's letter cases as ranges, for U+0080 and above (unicode_tables.py writes the .cc).
#pragma once

#include <cstdint>
#include <span>

namespace penstock::engine::functions {

enum class CharacterClass : std::uint8_t { other, upper, lower, digit };  // Lu, Ll, Nd, the rest

// Codes first, first + stride, ... last. Ranges rise by `first`; a stride of 2 may interleave with
// its neighbour.
struct CaseRange {
  std::uint32_t first, last, stride;
  std::int32_t delta;  // to the mapped character
};
struct ClassRange {
  std::uint32_t first, last, stride;
  CharacterClass kind;
};
// Letters without case, marks on letters (false), numbers that are no decimal digits (true).
struct WordRange {
  std::uint32_t first, last;
  bool number;
};
// A character that becomes two or three (0: no third).
struct SpecialCase {
  std::uint32_t code, first, second, third;
};

std::span<const CaseRange> upper_ranges();
std::span<const CaseRange> lower_ranges();
std::span<const SpecialCase> upper_special_cases();
std::span<const SpecialCase> lower_special_cases();
std::span<const ClassRange> class_ranges();
std::span<const WordRange> word_ranges();

}  // namespace penstock::engine::functions
