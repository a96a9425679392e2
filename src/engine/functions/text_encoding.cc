#include "engine/functions/text_encoding.h"

#include <array>
#include <cstring>

#include "base/ascii.h"
#include "engine/functions/text_output.h"
#include "engine/functions/utf16.h"

namespace penstock::engine::functions {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto kBase64Values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kBase64.size(); ++i)
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int8_t>(i);
  return values;
}();

std::optional<Text> from_hex_digits(std::string_view digits, bool odd_allowed, data::Arena& arena) {
  if (digits.size() % 2 != 0 && !odd_allowed) return std::nullopt;
  char* const begin = arena.allocate((digits.size() + 1) / 2).data();
  char* to = begin;
  int high = digits.size() % 2 != 0 ? 0 : -1;  // an odd number has a zero before it
  for (char c : digits) {
    const int digit = hex_digit(c);
    if (digit < 0) return std::nullopt;
    if (high < 0) {
      high = digit;
    } else {
      *to++ = static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  return Text(begin, static_cast<std::size_t>(to - begin));
}

std::optional<Text> from_hex_text(std::string_view text, data::Arena& arena) {
  if (text.starts_with("0x")) return from_hex_digits(text.substr(2), true, arena);
  if (text.size() >= 3 && (text.starts_with("X'") || text.starts_with("x'")) &&
      text.ends_with('\''))
    return from_hex_digits(text.substr(2, text.size() - 3), false, arena);
  return from_hex_digits(text, false, arena);
}

std::optional<Text> from_base64_text(std::string_view text, data::Arena& arena) {
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  if (text.size() % 4 == 1 || (padding != 0 && (text.size() + padding) % 4 != 0))
    return std::nullopt;
  char* const begin = arena.allocate(text.size() * 3 / 4).data();
  char* to = begin;
  std::uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    const int value = kBase64Values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      *to++ = static_cast<char>(bits >> count & 0xFF);
    }
  }
  return Text(begin, static_cast<std::size_t>(to - begin));
}

Text from_ascii_text(Text text, data::Arena& arena) {
  if (is_ascii(text.view())) return text;
  char* const begin = arena.allocate(text.size).data();
  char* to = begin;
  for (std::size_t at = 0; at < text.size;) {
    const Character character = character_at(text.view(), at);
    *to++ = character.code < 0x80 ? static_cast<char>(character.code) : '?';
    at += character.bytes;
  }
  return Text(begin, static_cast<std::size_t>(to - begin));
}

Text to_hex_text(Text bytes, HexCase hex_case, data::Arena& arena) {
  const char* digits = hex_case == HexCase::upper ? "0123456789ABCDEF" : "0123456789abcdef";
  char* const begin = arena.allocate(std::size_t{bytes.size} * 2).data();
  char* to = begin;
  for (unsigned char byte : bytes.view()) {
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15];
  }
  return Text(begin, static_cast<std::size_t>(to - begin));
}

Text to_base64_text(Text bytes, data::Arena& arena) {
  char* const begin = arena.allocate((std::size_t{bytes.size} + 2) / 3 * 4).data();
  char* to = begin;
  for (std::size_t at = 0; at < bytes.size; at += 3) {
    const std::size_t left = bytes.size - at;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < left ? static_cast<unsigned char>(bytes.data[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      *to++ = i <= left ? kBase64[bits >> (18 - 6 * i) & 63] : '=';
  }
  return Text(begin, static_cast<std::size_t>(to - begin));
}

// ascii: every byte above 0x7F is replaced; otherwise only what is no UTF-8.
Text to_plain_text(Text bytes, bool ascii, data::Arena& arena) {
  if (is_ascii(bytes.view())) return bytes;
  char* const begin = arena.allocate(std::size_t{bytes.size} * 3).data();
  char* to = begin;
  for (std::size_t at = 0; at < bytes.size;) {
    Character character = character_at(bytes.view(), at);
    const bool half_of_pair = character.code >= 0xD800 && character.code <= 0xDFFF;
    if (half_of_pair || (ascii && character.code >= 0x80)) character = {0xFFFD, 1};
    to = put_character(to, character.code);
    at += character.bytes;
  }
  return Text(begin, static_cast<std::size_t>(to - begin));
}

}  // namespace

std::optional<TextEncoding> parse_text_encoding(std::string_view name) {
  if (equal_ignoring_case(name, "hex")) return TextEncoding::hex;
  if (equal_ignoring_case(name, "utf8")) return TextEncoding::utf8;
  if (equal_ignoring_case(name, "ascii")) return TextEncoding::ascii;
  if (equal_ignoring_case(name, "base64")) return TextEncoding::base64;
  return std::nullopt;
}

std::optional<Text> bytes_of_text(Text text, TextEncoding encoding, data::Arena& arena) {
  switch (encoding) {
    case TextEncoding::hex:
      return from_hex_text(text.view(), arena);
    case TextEncoding::utf8:
      return text;
    case TextEncoding::ascii:
      return from_ascii_text(text, arena);
    case TextEncoding::base64:
      return from_base64_text(text.view(), arena);
  }
  return std::nullopt;
}

Text text_of_bytes(Text bytes, TextEncoding encoding, HexCase hex_case, data::Arena& arena) {
  switch (encoding) {
    case TextEncoding::hex:
      return to_hex_text(bytes, hex_case, arena);
    case TextEncoding::utf8:
      return to_plain_text(bytes, false, arena);
    case TextEncoding::ascii:
      return to_plain_text(bytes, true, arena);
    case TextEncoding::base64:
      return to_base64_text(bytes, arena);
  }
  return Text();
}

}  // namespace penstock::engine::functions
