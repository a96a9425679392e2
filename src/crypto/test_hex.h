// For tests: bytes written as hex digits.
#pragma once

#include "base/bytes.h"

namespace penstock::crypto {

inline ByteBuffer hex(std::string_view text) {
  return from_hex(text).value();
}

}  // namespace penstock::crypto
