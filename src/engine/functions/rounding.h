// Rounding of single numbers.
#pragma once

#include <cstdint>

namespace penstock::engine::functions {

// Which neighbour a number between two is taken to.
enum class RoundTo : std::uint8_t {
  nearest,  // a half goes towards positive infinity
  zero,
};

// The value with `places` decimal places (negative: zeros before the point), as of its shortest
// decimal text: 1.005 rounds to 1.01. NaN and infinities stay.
double round_double(double value, int places, RoundTo to);

// Nearest integer, a half towards positive infinity; held within 64 bits, 0 for NaN (Java's
// Math.round).
std::int64_t round_to_integer(double value);

}  // namespace penstock::engine::functions
