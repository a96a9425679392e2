// Doubles as the JVM prints them.
#pragma once

#include <cstddef>
#include <string>

namespace penstock::data {

// Double.toString of current JVMs: the shortest digits that read back equal; plain from 10^-3 up to
// (not with) 10^7, always with a point ("10.0", "0.001"); else as "1.0E10", "1.5E-4". "NaN",
// "Infinity", "-Infinity". Writes at most kDoubleTextMax characters and returns how many.
inline constexpr std::size_t kDoubleTextMax = 32;
std::size_t write_double(char* out, double value);
std::string double_text(double value);

}  // namespace penstock::data
