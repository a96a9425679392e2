// Bytes and their text forms.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace penstock {

using ByteView = std::span<const std::uint8_t>;  // never owns
using ByteSpan = std::span<std::uint8_t>;        // never owns, writable
using ByteBuffer = std::vector<std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline ByteBuffer to_buffer(ByteView bytes) {
  return ByteBuffer(bytes.begin(), bytes.end());
}

// Bytes by view that may be null, which differs from empty: keys and values of records.
struct Slice {
  const std::uint8_t* data = nullptr;  // null
  std::uint32_t size = 0;
  // Never null, whatever the view's own pointer is.
  static Slice of(ByteView view) {
    static constexpr std::uint8_t kNothing = 0;
    return {view.data() != nullptr ? view.data() : &kNothing,
            static_cast<std::uint32_t>(view.size())};
  }
  bool is_null() const { return data == nullptr; }
  ByteView bytes() const { return {data, size}; }
};

// Cells one after the other, none of them null.
struct PackedCells {
  ByteView bytes;
  std::span<const std::uint32_t> ends;  // where each ends in `bytes`, the last at its end
  std::size_t begin_of(std::size_t cell) const { return cell == 0 ? 0 : ends[cell - 1]; }
  ByteView operator[](std::size_t cell) const {
    return bytes.subspan(begin_of(cell), ends[cell] - begin_of(cell));
  }
};

// Lower-case hex; decoding takes either case and refuses odd lengths and other characters.
std::string to_hex(ByteView bytes);
Result<ByteBuffer> from_hex(std::string_view text);

// RFC 4648: section 4 with padding; section 5 (URL alphabet) without. Decoding is strict: no white
// space, no missing or surplus padding, unused bits zero.
std::string to_base64(ByteView bytes);
Result<ByteBuffer> from_base64(std::string_view text);
std::string to_base64url(ByteView bytes);
Result<ByteBuffer> from_base64url(std::string_view text);

}  // namespace penstock
