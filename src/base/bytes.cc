#include "base/bytes.h"

#include <array>

#include <fmt/format.h>

namespace penstock {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string encode64(ByteView bytes, std::string_view alphabet, bool pad) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = bytes[i] << 16;
    if (n > 1) group |= bytes[i + 1] << 8;
    if (n > 2) group |= bytes[i + 2];
    for (std::size_t k = 0; k < n + 1; ++k) out.push_back(alphabet[(group >> (18 - 6 * k)) & 63]);
    for (std::size_t k = n; pad && k < 3; ++k) out.push_back('=');
  }
  return out;
}

Result<ByteBuffer> decode64(std::string_view text, std::string_view alphabet) {
  std::array<std::int8_t, 256> values;
  values.fill(-1);
  for (std::size_t i = 0; i < 64; ++i) values[static_cast<std::uint8_t>(alphabet[i])] = i;
  if (text.size() % 4 == 1) return fail(ErrorCode::invalid_argument, "base64 text is cut short");
  ByteBuffer out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int held = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int value = values[static_cast<std::uint8_t>(text[i])];
    if (value < 0)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("base64 text has a wrong character at position {}", i));
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held >= 8) out.push_back(static_cast<std::uint8_t>(bits >> (held -= 8)));
  }
  if ((bits & ((1u << held) - 1)) != 0)
    return fail(ErrorCode::invalid_argument, "base64 text has stray bits at its end");
  return out;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string out(bytes.size() * 2, '0');
  char* at = out.data();
  for (const std::uint8_t b : bytes) {
    *at++ = kHex[b >> 4];
    *at++ = kHex[b & 15];
  }
  return out;
}

Result<ByteBuffer> from_hex(std::string_view text) {
  if (text.size() % 2 != 0)
    return fail(ErrorCode::invalid_argument, "hex text has an odd number of characters");
  ByteBuffer out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int high = hex_value(text[i]), low = hex_value(text[i + 1]);
    if (high < 0 || low < 0)
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("hex text has a wrong character at position {}", high < 0 ? i : i + 1));
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

std::string to_base64(ByteView bytes) {
  return encode64(bytes, kStandard, true);
}
std::string to_base64url(ByteView bytes) {
  return encode64(bytes, kUrl, false);
}

Result<ByteBuffer> from_base64(std::string_view text) {
  if (text.size() % 4 != 0)
    return fail(ErrorCode::invalid_argument, "base64 text's length is not a multiple of four");
  if (text.ends_with("=="))
    text.remove_suffix(2);
  else if (text.ends_with("="))
    text.remove_suffix(1);
  return decode64(text, kStandard);
}

Result<ByteBuffer> from_base64url(std::string_view text) {
  return decode64(text, kUrl);
}

}  // namespace penstock
