// Lengths and positions in UTF-16 units, as in Java, of texts in UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "data/arena.h"
#include "data/column.h"

namespace penstock::engine::functions {

inline bool is_ascii(std::string_view text) {
  std::uint64_t seen = 0;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    seen |= word;
  }
  for (; at < text.size(); ++at) seen |= static_cast<unsigned char>(text[at]);
  return (seen & 0x8080808080808080ULL) == 0;
}

// A character of UTF-8 by its lead byte; broken input counts byte by byte, as far as the text goes.
struct Character {
  std::uint32_t code = 0;  // U+FFFD when broken
  std::uint8_t bytes = 1;
  std::uint8_t units() const { return code > 0xFFFF ? 2 : 1; }
};
Character character_at(std::string_view text, std::size_t at);

// Writes the character in UTF-8 (at most 4 bytes); halves of pairs and values above U+10FFFF as
// "?".
char* put_character(char* to, std::uint32_t code);

std::size_t utf16_length(std::string_view text);

// Where in UTF-8 a UTF-16 position lies; splits: it is inside a pair, whose first byte `bytes`
// names. Positions behind the end become the end.
struct BytePosition {
  std::size_t bytes = 0;
  bool splits = false;
};
BytePosition byte_position(std::string_view text, std::size_t units);

// Units [begin, end) of a text (begin <= end). A view of it, unless a pair is cut: its half becomes
// "?" as when Java writes UTF-8, in a copy.
data::Text utf16_slice(data::Text text, std::size_t begin, std::size_t end, data::Arena& arena);

}  // namespace penstock::engine::functions
