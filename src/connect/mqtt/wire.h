// MQTT's data types (5.0, 1.5): big endian numbers, texts and bytes with their length before them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace penstock::connect::mqtt {

// Reads from the front. invalid_argument: too short, or malformed.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }
  std::string_view take_rest() { return std::exchange(rest_, {}); }
  Result<std::uint8_t> u8();
  Result<std::uint16_t> u16();
  Result<std::uint32_t> u32();
  Result<std::uint32_t> variable();       // 1.5.5, at most four bytes, the shortest form
  Result<std::string_view> bytes();       // 1.5.6
  Result<std::string_view> text();        // 1.5.4: UTF-8 without U+0000 and surrogates
  Result<Reader> part(std::size_t size);  // the next bytes alone

 private:
  std::string_view rest_;
};

void put_u8(std::string& out, std::uint8_t value);
void put_u16(std::string& out, std::uint16_t value);
void put_u32(std::string& out, std::uint32_t value);
void put_variable(std::string& out, std::uint32_t value);
void put_bytes(std::string& out, std::string_view bytes);  // CHECKs the length

bool is_text(std::string_view text);  // as Reader::text() takes it

}  // namespace penstock::connect::mqtt
