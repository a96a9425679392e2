// Bytes as text: hex, utf8, ascii, base64.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "data/arena.h"
#include "data/column.h"

namespace penstock::engine::functions {

enum class TextEncoding : std::uint8_t { hex, utf8, ascii, base64 };

// By name in either case; nullopt for another name.
std::optional<TextEncoding> parse_text_encoding(std::string_view name);

// The bytes that a text stands for; nullopt when it is malformed. hex: also as 0x... and X'...',
// where 0x takes an odd number of digits; base64: padding may be missing; ascii: other characters
// become "?".
std::optional<data::Text> bytes_of_text(data::Text text, TextEncoding encoding, data::Arena& arena);

// hex: with these digits. utf8 and ascii: what is none becomes U+FFFD.
enum class HexCase : std::uint8_t { lower, upper };
data::Text text_of_bytes(data::Text bytes, TextEncoding encoding, HexCase hex_case,
                         data::Arena& arena);

}  // namespace penstock::engine::functions
