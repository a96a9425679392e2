#include "connect/mqtt/wire.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "connect/mqtt/limits.h"

namespace penstock::connect::mqtt {
namespace {

std::unexpected<Error> too_short(std::string_view what) {
  return fail(ErrorCode::invalid_argument, fmt::format("the packet ends within {}", what));
}

// Bytes that follow the first one of a sequence; -1: it begins none.
int following(unsigned char first) {
  if (first < 0x80) return 0;
  if (first >= 0xc2 && first < 0xe0) return 1;
  if (first >= 0xe0 && first < 0xf0) return 2;
  if (first >= 0xf0 && first < 0xf5) return 3;
  return -1;
}

// Second bytes that make an overlong form, a surrogate, or a number beyond U+10FFFF.
bool is_wrong_second(unsigned char first, unsigned char second) {
  if (first == 0xe0) return second < 0xa0;
  if (first == 0xed) return second >= 0xa0;
  if (first == 0xf0) return second < 0x90;
  return first == 0xf4 && second >= 0x90;
}

}  // namespace

bool is_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first == 0) return false;
    const int more = following(first);
    if (more < 0 || text.size() - i - 1 < static_cast<std::size_t>(more)) return false;
    for (int k = 1; k <= more; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if ((byte & 0xc0) != 0x80 || (k == 1 && is_wrong_second(first, byte))) return false;
    }
    i += static_cast<std::size_t>(more);
  }
  return true;
}

Result<std::uint8_t> Reader::u8() {
  if (rest_.empty()) return too_short("a byte");
  const auto value = static_cast<std::uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return value;
}

Result<std::uint16_t> Reader::u16() {
  if (rest_.size() < 2) return too_short("a number of two bytes");
  const auto high = static_cast<std::uint8_t>(rest_[0]), low = static_cast<std::uint8_t>(rest_[1]);
  rest_.remove_prefix(2);
  return static_cast<std::uint16_t>(high << 8 | low);
}

Result<std::uint32_t> Reader::u32() {
  const std::uint32_t high = TRY(u16());
  const std::uint32_t low = TRY(u16());
  return high << 16 | low;
}

Result<std::uint32_t> Reader::variable() {
  std::uint32_t value = 0;
  for (int shift = 0; shift < 28; shift += 7) {
    const std::uint32_t byte = TRY(u8());
    value |= (byte & 0x7f) << shift;
    if ((byte & 0x80) != 0) continue;
    if (byte == 0 && shift > 0) {
      return fail(ErrorCode::invalid_argument, "a length is not in its shortest form");
    }
    return value;
  }
  return fail(ErrorCode::invalid_argument, "a length has more than four bytes");
}

Result<std::string_view> Reader::bytes() {
  const std::size_t size = TRY(u16());
  if (rest_.size() < size) return too_short("a text or its bytes");
  const std::string_view out = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return out;
}

Result<std::string_view> Reader::text() {
  const std::string_view out = TRY(bytes());
  if (is_text(out)) return out;
  return fail(ErrorCode::invalid_argument, "a text is not UTF-8, or has a NUL in it");
}

Result<Reader> Reader::part(std::size_t size) {
  if (rest_.size() < size) return too_short("its properties");
  Reader out(rest_.substr(0, size));
  rest_.remove_prefix(size);
  return out;
}

void put_u8(std::string& out, std::uint8_t value) {
  out.push_back(static_cast<char>(value));
}
void put_u16(std::string& out, std::uint16_t value) {
  put_u8(out, static_cast<std::uint8_t>(value >> 8));
  put_u8(out, static_cast<std::uint8_t>(value));
}
void put_u32(std::string& out, std::uint32_t value) {
  put_u16(out, static_cast<std::uint16_t>(value >> 16));
  put_u16(out, static_cast<std::uint16_t>(value));
}
void put_variable(std::string& out, std::uint32_t value) {
  CHECK(value <= kRemainingBytesMax);
  do {
    const auto low = static_cast<std::uint8_t>(value & 0x7f);
    value >>= 7;
    put_u8(out, value != 0 ? low | 0x80 : low);
  } while (value != 0);
}
void put_bytes(std::string& out, std::string_view bytes) {
  CHECK(bytes.size() <= kTextBytesMax);
  put_u16(out, static_cast<std::uint16_t>(bytes.size()));
  out += bytes;
}

}  // namespace penstock::connect::mqtt
