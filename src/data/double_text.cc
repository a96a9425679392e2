#include "data/double_text.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

namespace penstock::data {
namespace {

char* put(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

char* put_zeros(char* to, int count) {
  for (; count > 0; --count) *to++ = '0';
  return to;
}

// Shortest digits d1 d2 ... dn of a finite value > 0 with value = d1.d2...dn * 10^exponent.
struct Shortest {
  char digits[24];
  int count = 0;
  int exponent = 0;

  explicit Shortest(double value) {
    char text[40];
    char* end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
    // The JVM never takes fewer than two digits, which shows where one is a coarse
    // choice: 4.9E-324.
    if (value < 1e-322)
      end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, 1).ptr;
    char* at = text;
    for (; *at != 'e'; ++at)
      if (*at != '.') digits[count++] = *at;
    if (count == 2 && digits[1] == '0') count = 1;
    ++at;
    if (*at == '+') ++at;
    std::from_chars(at, end, exponent);
  }
};

char* put_plain(char* to, const Shortest& s) {
  if (s.exponent < 0) {
    to = put_zeros(put(to, "0."), -s.exponent - 1);
    return put(to, {s.digits, static_cast<std::size_t>(s.count)});
  }
  int integral = s.exponent + 1;
  int given = std::min(integral, s.count);
  to = put(to, {s.digits, static_cast<std::size_t>(given)});
  to = put_zeros(to, integral - given);
  *to++ = '.';
  if (s.count == given) return put(to, "0");
  return put(to, {s.digits + given, static_cast<std::size_t>(s.count - given)});
}

char* put_scientific(char* to, const Shortest& s) {
  *to++ = s.digits[0];
  *to++ = '.';
  if (s.count == 1)
    *to++ = '0';
  else
    to = put(to, {s.digits + 1, static_cast<std::size_t>(s.count - 1)});
  *to++ = 'E';
  return std::to_chars(to, to + 6, s.exponent).ptr;
}

}  // namespace

std::size_t write_double(char* out, double value) {
  char* to = out;
  if (std::isnan(value)) return put(to, "NaN") - out;
  if (std::signbit(value)) *to++ = '-';
  value = std::fabs(value);
  if (std::isinf(value)) return put(to, "Infinity") - out;
  if (value == 0) return put(to, "0.0") - out;
  Shortest shortest(value);
  bool plain = shortest.exponent >= -3 && shortest.exponent < 7;
  return (plain ? put_plain(to, shortest) : put_scientific(to, shortest)) - out;
}

std::string double_text(double value) {
  char out[kDoubleTextMax];
  return std::string(out, write_double(out, value));
}

}  // namespace penstock::data
