// The order of texts.
#pragma once

#include <algorithm>
#include <cstring>

#include "data/column.h"

namespace penstock::data {

// Bytes compare as unsigned numbers.
inline int compare_bytes(Text a, Text b) {
  const std::size_t shared = std::min(a.size, b.size);
  const int order = shared == 0 ? 0 : std::memcmp(a.data, b.data, shared);
  return order != 0 ? order : (a.size < b.size ? -1 : a.size > b.size);
}

// Strings compare by UTF-16 units, as in Java. UTF-8 bytes give the same order except that
// characters above U+FFFF (lead bytes from 0xF0) come before U+E000 to U+FFFF (lead bytes 0xEE and
// 0xEF).
inline int compare_strings(Text a, Text b) {
  const int order = compare_bytes(a, b);
  if (order == 0) return 0;
  const std::size_t shared = std::min(a.size, b.size);
  std::size_t at = 0;
  while (at < shared && a.data[at] == b.data[at]) ++at;
  if (at == shared) return order;
  const auto left = static_cast<unsigned char>(a.data[at]);
  const auto right = static_cast<unsigned char>(b.data[at]);
  const bool crossed = left >= 0xEE && right >= 0xEE && (left >= 0xF0) != (right >= 0xF0);
  return crossed ? -order : order;
}

inline bool equal_texts(Text a, Text b) {
  return a.size == b.size && (a.size == 0 || std::memcmp(a.data, b.data, a.size) == 0);
}

}  // namespace penstock::data
