#include "format/scalar_reader.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>

#include "base/ascii.h"
#include "base/check.h"
#include "data/decimal.h"
#include "format/digits.h"

namespace penstock::format {
namespace {

using data::Int128;
using data::RowIndex;
using data::Text;
using data::TypeKind;

std::optional<double> parse_double(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc()) return value;
  if (error != std::errc::result_out_of_range) return std::nullopt;
  // Too small is zero (or subnormal); too large is a failure. from_chars does not tell them apart.
  value = std::strtod(std::string(text).c_str(), nullptr);
  return std::isinf(value) ? std::nullopt : std::optional(value);
}

// The whole part of a number with fraction or exponent; nullopt beyond 64 bits.
std::optional<std::int64_t> whole_part(std::string_view text) {
  auto parsed = data::parse_decimal(text);
  if (!parsed) {
    auto value = parse_double(text);
    if (value && std::fabs(*value) < 1) return 0;
    if (!value || std::fabs(*value) >= 9.2e18) return std::nullopt;
    return static_cast<std::int64_t>(*value);
  }
  auto whole = data::rescale(parsed->unscaled, parsed->scale, 0, data::Rounding::down);
  if (!whole || *whole > std::numeric_limits<std::int64_t>::max() ||
      *whole < std::numeric_limits<std::int64_t>::min())
    return std::nullopt;
  return static_cast<std::int64_t>(*whole);
}

template <typename Integer>
std::string_view store_integer(const Target& target, RowIndex row,
                               std::optional<std::int64_t> value) {
  if (!value || *value < std::numeric_limits<Integer>::min() ||
      *value > std::numeric_limits<Integer>::max())
    return reason::kOutOfRange;
  target.cell<Integer>(row) = static_cast<Integer>(*value);
  return reason::kNone;
}

std::optional<std::int64_t> integer_of_number(std::string_view text) {
  auto value = short_integer(text);
  return value ? value : whole_part(text);
}

// [-]digits[.digits] of up to 18 digits in all; the scale in `scale`.
std::optional<std::int64_t> short_decimal(std::string_view text, int& scale) {
  if (text.size() > 19) return std::nullopt;
  bool negative = !text.empty() && text[0] == '-';
  std::int64_t value = 0;
  std::size_t digits = 0, point = 0;
  for (std::size_t i = negative; i < text.size(); ++i) {
    if (text[i] == '.' && point == 0) {
      point = i + 1;
      continue;
    }
    if (!is_digit(text[i]) || digits == 18) return std::nullopt;
    value = value * 10 + (text[i] - '0');
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  scale = point == 0 ? 0 : static_cast<int>(text.size() - point);
  return negative ? -value : value;
}

std::string_view read_decimal(const Target& target, RowIndex row, std::string_view text) {
  Int128 unscaled = 0;
  int scale = 0;
  if (auto value = short_decimal(text, scale)) {
    unscaled = *value;
  } else {
    auto parsed = data::parse_decimal(text);
    if (!parsed)
      return parsed.error() == data::DecimalFault::malformed ? reason::kWrongType
                                                             : reason::kOutOfRange;
    unscaled = parsed->unscaled;
    scale = parsed->scale;
  }
  auto fitted = data::rescale(unscaled, scale, target.scale, data::Rounding::exact);
  if (!fitted) return scale > target.scale ? reason::kInexact : reason::kOutOfRange;
  if (!data::fits_precision(*fitted, target.precision)) return reason::kOutOfRange;
  target.cell<Int128>(row) = *fitted;
  return reason::kNone;
}

std::string_view read_double(const Target& target, RowIndex row, std::string_view text) {
  auto value = parse_double(text);
  if (!value) return reason::kOutOfRange;
  target.cell<double>(row) = *value;
  return reason::kNone;
}

// Java's Integer.parseInt and Long.parseLong: an optional sign and digits.
std::optional<std::int64_t> integer_of_text(std::string_view text, std::string_view& why) {
  why = reason::kWrongType;
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  std::string_view digits = text.substr(!text.empty() && text[0] == '-');
  if (digits.empty()) return std::nullopt;
  for (char c : digits)
    if (!is_digit(c)) return std::nullopt;
  why = reason::kOutOfRange;
  std::int64_t value = 0;
  auto error = std::from_chars(text.data(), text.data() + text.size(), value).ec;
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

// A time of day, in milliseconds.
std::string_view check_time(const Target& target, RowIndex row, std::string_view read) {
  constexpr std::int32_t kDayMs = 24 * 60 * 60 * 1000;
  if (target.kind != TypeKind::time || read != reason::kNone) return read;
  const std::int32_t ms = target.cell<std::int32_t>(row);
  return ms >= 0 && ms < kDayMs ? reason::kNone : reason::kOutOfRange;
}

template <typename Integer>
std::string_view read_integer_text(const Target& target, RowIndex row, std::string_view text) {
  std::string_view why;
  auto value = integer_of_text(text, why);
  return value ? store_integer<Integer>(target, row, value) : why;
}

// As our own writer has those that JSON has no numbers for.
std::optional<double> unbounded_double(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return kInfinity;
  if (text == "-Infinity") return -kInfinity;
  return std::nullopt;
}

// As Double.parseDouble: blanks around it are passed over.
std::string_view read_double_text(const Target& target, RowIndex row, std::string_view text) {
  text = trimmed_as_java(text);
  if (const auto value = unbounded_double(text)) {
    target.cell<double>(row) = *value;
    return reason::kNone;
  }
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  if (text.empty() || !(is_digit(text.back()) || text.back() == '.')) return reason::kWrongType;
  for (char c : text)
    if (!is_digit(c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E')
      return reason::kWrongType;
  double value = 0;
  auto end = std::from_chars(text.data(), text.data() + text.size(), value).ptr;
  if (end != text.data() + text.size()) return reason::kWrongType;
  return read_double(target, row, text);
}

constexpr auto kBase64Values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}();

// Strict: padded, no blanks, unused bits zero.
std::string_view read_base64(const Target& target, RowIndex row, std::string_view text,
                             data::Arena& arena) {
  if (text.size() % 4 != 0) return reason::kInvalidBase64;
  std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=");
  std::string_view symbols = text.substr(0, text.size() - padding);
  std::size_t size = symbols.size() * 6 / 8;
  std::span<char> out = arena.allocate(size);
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t at = 0;
  for (char c : symbols) {
    int value = kBase64Values[static_cast<std::uint8_t>(c)];
    if (value < 0) return reason::kInvalidBase64;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held >= 8) out[at++] = static_cast<char>(bits >> (held -= 8));
  }
  if ((bits & ((1u << held) - 1)) != 0) return reason::kInvalidBase64;
  target.cell<Text>(row) = Text(out.data(), size);
  return reason::kNone;
}

}  // namespace

Target::Target(data::Column& c)
    : kind(c.type().kind()), precision(c.type().precision()), scale(c.type().scale()), column(&c) {
  switch (kind) {
    case TypeKind::boolean:
      cells = c.values<std::uint8_t>().data();
      break;
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      cells = c.values<std::int32_t>().data();
      break;
    case TypeKind::bigint:
    case TypeKind::timestamp:
      cells = c.values<std::int64_t>().data();
      break;
    case TypeKind::double_:
      cells = c.values<double>().data();
      break;
    case TypeKind::decimal:
      cells = c.values<Int128>().data();
      break;
    case TypeKind::string:
    case TypeKind::bytes:
      cells = c.values<Text>().data();
      break;
    case TypeKind::array:
    case TypeKind::map:
    case TypeKind::struct_:
      break;  // json_nested.h reads these
  }
}

std::string_view read_number(const Target& target, RowIndex row, std::string_view text) {
  switch (target.kind) {
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return store_integer<std::int64_t>(target, row, integer_of_number(text));
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return check_time(target, row,
                        store_integer<std::int32_t>(target, row, integer_of_number(text)));
    case TypeKind::double_:
      return read_double(target, row, text);
    case TypeKind::decimal:
      return read_decimal(target, row, text);
    case TypeKind::string:
      target.cell<Text>(row) = Text(text);
      return reason::kNone;
    default:
      return reason::kWrongType;
  }
}

std::string_view read_string(const Target& target, RowIndex row, std::string_view text,
                             data::Arena& arena) {
  switch (target.kind) {
    case TypeKind::string:
      target.cell<Text>(row) = Text(text);
      return reason::kNone;
    case TypeKind::bytes:
      return read_base64(target, row, text, arena);
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return read_integer_text<std::int64_t>(target, row, text);
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return check_time(target, row, read_integer_text<std::int32_t>(target, row, text));
    case TypeKind::double_:
      return read_double_text(target, row, text);
    case TypeKind::decimal:
      return read_decimal(target, row, text);
    default:
      return reason::kWrongType;
  }
}

std::string_view read_boolean(const Target& target, RowIndex row, bool value) {
  if (target.kind == TypeKind::boolean) {
    target.cell<std::uint8_t>(row) = value;
    return reason::kNone;
  }
  if (target.kind != TypeKind::string) return reason::kWrongType;
  target.cell<Text>(row) = Text(value ? std::string_view("true") : std::string_view("false"));
  return reason::kNone;
}

}  // namespace penstock::format
