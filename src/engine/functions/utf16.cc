#include "engine/functions/utf16.h"

#include <algorithm>

namespace penstock::engine::functions {
namespace {

std::uint32_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

bool is_continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (byte_at(text, at) & 0xC0) == 0x80;
}

}  // namespace

Character character_at(std::string_view text, std::size_t at) {
  const std::uint32_t lead = byte_at(text, at);
  if (lead < 0x80) return {lead, 1};
  const Character broken{0xFFFD, 1};
  if (lead < 0xC2 || lead > 0xF4 || !is_continuation(text, at + 1)) return broken;
  std::uint32_t code = byte_at(text, at + 1) & 0x3F;
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | code, 2};
  if (!is_continuation(text, at + 2)) return broken;
  code = code << 6 | (byte_at(text, at + 2) & 0x3F);
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | code, 3};
  if (!is_continuation(text, at + 3)) return broken;
  code = code << 6 | (byte_at(text, at + 3) & 0x3F);
  return {(lead & 0x07) << 18 | code, 4};
}

char* put_character(char* to, std::uint32_t code) {
  const auto put = [&to](std::uint32_t byte) { *to++ = static_cast<char>(byte); };
  if ((code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) {
    put('?');
  } else if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
  return to;
}

std::size_t utf16_length(std::string_view text) {
  if (is_ascii(text)) return text.size();
  std::size_t units = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    units += character.units();
    at += character.bytes;
  }
  return units;
}

BytePosition byte_position(std::string_view text, std::size_t units) {
  if (is_ascii(text)) return {std::min(units, text.size()), false};
  std::size_t at = 0;
  while (units > 0 && at < text.size()) {
    const Character character = character_at(text, at);
    if (character.units() > units) return {at, true};
    units -= character.units();
    at += character.bytes;
  }
  return {at, false};
}

data::Text utf16_slice(data::Text text, std::size_t begin, std::size_t end, data::Arena& arena) {
  if (begin >= end) return data::Text(text.data, 0);
  const std::string_view view = text.view();
  BytePosition from = byte_position(view, begin);
  const BytePosition to = byte_position(view, end);
  if (!from.splits && !to.splits) return data::Text(text.data + from.bytes, to.bytes - from.bytes);
  constexpr std::size_t pair_bytes = 4;
  const std::size_t middle = from.splits ? from.bytes + pair_bytes : from.bytes;
  const std::size_t middle_size = to.bytes - std::min(middle, to.bytes);
  std::span<char> copy = arena.allocate(middle_size + 2);
  char* out = copy.data();
  if (from.splits) *out++ = '?';
  std::memcpy(out, view.data() + std::min(middle, to.bytes), middle_size);
  out += middle_size;
  if (to.splits) *out++ = '?';
  return data::Text(copy.data(), static_cast<std::size_t>(out - copy.data()));
}

}  // namespace penstock::engine::functions
