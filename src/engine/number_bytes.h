// Numbers within bytes, little endian as they lie in memory: state and records between stages.
#pragma once

#include <cstring>
#include <type_traits>

#include "base/bytes.h"

namespace penstock::engine {

template <typename T>
  requires std::is_arithmetic_v<T>
void append_number(ByteBuffer& out, T value) {
  const std::size_t at = out.size();
  out.resize(at + sizeof value);
  std::memcpy(out.data() + at, &value, sizeof value);
}

// From the front. False: `in` is too short, and stays as it is.
template <typename T>
  requires std::is_arithmetic_v<T>
bool take_number(ByteView& in, T& value) {
  if (in.size() < sizeof value) return false;
  std::memcpy(&value, in.data(), sizeof value);
  in = in.subspan(sizeof value);
  return true;
}

}  // namespace penstock::engine
