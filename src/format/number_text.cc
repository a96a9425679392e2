#include "format/number_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace penstock::format {
namespace {

constexpr std::int64_t kPlainLeast = -6;  // smaller ones are printed with an exponent
constexpr std::size_t kExponentDigitsMax = 9;

// The value is digits * 10^-scale.
struct Decimal {
  bool negative = false;
  std::string digits;  // without zeros in front
  std::int64_t scale = 0;

  bool is_zero() const { return digits == "0"; }
  // Of the first digit.
  std::int64_t exponent() const { return static_cast<std::int64_t>(digits.size()) - 1 - scale; }
};

Decimal parse(std::string_view number, std::int64_t exponent) {
  Decimal out;
  out.negative = number.starts_with('-');
  number.remove_prefix(out.negative ? 1 : 0);
  const std::size_t point = number.find('.');
  out.digits = number.substr(0, point);
  if (point != std::string_view::npos) {
    out.digits += number.substr(point + 1);
    out.scale = static_cast<std::int64_t>(number.size() - point - 1);
  }
  out.scale -= exponent;
  out.digits.erase(0, std::min(out.digits.find_first_not_of('0'), out.digits.size() - 1));
  return out;
}

// BigDecimal.toString.
std::string printed(const Decimal& decimal) {
  const std::string& digits = decimal.digits;
  const auto scale = static_cast<std::size_t>(decimal.scale);
  const std::string_view sign = decimal.negative && !decimal.is_zero() ? "-" : "";
  if (decimal.scale < 0 || decimal.exponent() < kPlainLeast) {
    const std::string_view point = digits.size() > 1 ? "." : "";
    return fmt::format("{}{}{}{}E{:+}", sign, digits.substr(0, 1), point, digits.substr(1),
                       decimal.exponent());
  }
  if (scale == 0) return fmt::format("{}{}", sign, digits);
  const std::string padded =
      digits.size() > scale ? digits : std::string(scale + 1 - digits.size(), '0') + digits;
  const std::size_t whole = padded.size() - scale;
  return fmt::format("{}{}.{}", sign, padded.substr(0, whole), padded.substr(whole));
}

}  // namespace

bool is_printed_so(std::string_view number) {
  if (number.find_first_of("eE") != std::string_view::npos) return false;
  const bool negative = number.starts_with('-');
  if (number[negative ? 1 : 0] != '0') return true;
  const Decimal decimal = parse(number, 0);
  return !(negative && decimal.is_zero()) && decimal.exponent() >= kPlainLeast;
}

std::string_view number_text(std::string_view number, data::Arena& arena) {
  if (is_printed_so(number)) return number;
  const std::size_t mark = std::min(number.find_first_of("eE"), number.size());
  std::int64_t exponent = 0;
  if (mark < number.size()) {
    const std::size_t first = mark + (number[mark + 1] == '+' ? 2 : 1);
    if (number.size() - first > kExponentDigitsMax) return number;  // nothing that has a value
    std::from_chars(number.data() + first, number.data() + number.size(), exponent);
  }
  return arena.copy(printed(parse(number.substr(0, mark), exponent))).view();
}

}  // namespace penstock::format
