// Casts to and from STRING.
#include <charconv>
#include <limits>
#include <optional>

#include "base/ascii.h"
#include "data/cast.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/each_row.h"
#include "data/text_output.h"
#include "data/time_text.h"

namespace penstock::data {
namespace {

// write(char* out, value) puts at most size_max characters and returns how many.
template <typename A, typename Write>
void write_each(const CastCall& call, std::size_t size_max, Write write) {
  const A* in = call.from.values<A>().data();
  Text* out = call.to.values<Text>().data();
  TextOutput output(call.arena, call.rows.size() * size_max);
  each_row(call.rows, [&](RowIndex row) { out[row] = output.take(write(output.next(), in[row])); });
}

void boolean_to_string(const CastCall& call) {
  static constexpr std::string_view kTrue = "true", kFalse = "false";
  const std::uint8_t* in = call.from.values<std::uint8_t>().data();
  Text* out = call.to.values<Text>().data();
  each_row(call.rows, [=](RowIndex row) { out[row] = Text(in[row] ? kTrue : kFalse); });
}

template <typename A>
void integer_to_string(const CastCall& call) {
  constexpr std::size_t size_max = std::numeric_limits<A>::digits10 + 2;
  write_each<A>(call, size_max, [](char* out, A value) {
    return static_cast<std::size_t>(std::to_chars(out, out + size_max, value).ptr - out);
  });
}

void double_to_string(const CastCall& call) {
  write_each<double>(call, kDoubleTextMax, write_double);
}

void decimal_to_string(const CastCall& call) {
  const int scale = call.from.type().scale();
  write_each<Int128>(call, kDecimalTextMax,
                     [=](char* out, Int128 value) { return write_decimal(out, value, scale); });
}

void date_to_string(const CastCall& call) {
  write_each<std::int32_t>(call, kTimeTextMax, write_date);
}

void time_to_string(const CastCall& call) {
  write_each<std::int32_t>(call, kTimeTextMax, write_time);
}

void timestamp_to_string(const CastCall& call) {
  write_each<std::int64_t>(call, kTimeTextMax, write_timestamp);
}

template <typename R, typename Parse>
void parse_each(const CastCall& call, Parse parse) {
  const Text* in = call.from.values<Text>().data();
  R* out = call.to.values<R>().data();
  each_row(call.rows, [&](RowIndex row) {
    if (auto value = parse(trimmed_as_java(in[row].view()))) {
      out[row] = static_cast<R>(*value);
    } else {
      out[row] = R{};
      call.errors.add(row, kCastFailed);
    }
  });
}

// "true" and "yes", also shortened, in either case; all else is false.
void string_to_boolean(const CastCall& call) {
  const Text* in = call.from.values<Text>().data();
  std::uint8_t* out = call.to.values<std::uint8_t>().data();
  each_row(call.rows, [=](RowIndex row) {
    const std::string_view text = trimmed_as_java(in[row].view());
    out[row] = begins_word("true", text) || begins_word("yes", text);
  });
}

// [+-]digits
template <typename T>
std::optional<T> parse_integer(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  T value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <typename T>
void string_to_integer(const CastCall& call) {
  parse_each<T>(call, parse_integer<T>);
}

bool is_double_text(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text == "NaN" || text == "Infinity") return true;
  return !text.empty() && ((text[0] >= '0' && text[0] <= '9') || text[0] == '.');
}

// Too large becomes infinite and too small becomes zero, as in Java.
double out_of_range(std::string_view text) {
  const bool negative = text.starts_with('-');
  const auto exponent = text.find_first_of("eE");
  const bool tiny = exponent != std::string_view::npos ? text.substr(exponent + 1).starts_with('-')
                                                       : text.substr(negative).starts_with("0.") ||
                                                             text.substr(negative).starts_with('.');
  const double size = tiny ? 0.0 : std::numeric_limits<double>::infinity();
  return negative ? -size : size;
}

std::optional<double> parse_double(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  if (!is_double_text(text)) return std::nullopt;
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return out_of_range(text);
  if (error != std::errc()) return std::nullopt;
  return value;
}

void string_to_double(const CastCall& call) {
  parse_each<double>(call, parse_double);
}

void string_to_decimal(const CastCall& call) {
  const Type& type = call.to.type();
  parse_each<Int128>(call, [&](std::string_view text) -> std::optional<Int128> {
    auto parsed = parse_decimal(text);
    if (!parsed) return std::nullopt;
    return fit_decimal(parsed->unscaled, parsed->scale, type, Rounding::half_up);
  });
}

void string_to_date(const CastCall& call) {
  parse_each<std::int32_t>(call, parse_date);
}
void string_to_time(const CastCall& call) {
  parse_each<std::int32_t>(call, parse_time);
}
void string_to_timestamp(const CastCall& call) {
  parse_each<std::int64_t>(call, parse_timestamp);
}

}  // namespace

CastKernel cast_to_string(TypeKind from) {
  switch (from) {
    case TypeKind::boolean:
      return boolean_to_string;
    case TypeKind::integer:
      return integer_to_string<std::int32_t>;
    case TypeKind::bigint:
      return integer_to_string<std::int64_t>;
    case TypeKind::double_:
      return double_to_string;
    case TypeKind::decimal:
      return decimal_to_string;
    case TypeKind::date:
      return date_to_string;
    case TypeKind::time:
      return time_to_string;
    case TypeKind::timestamp:
      return timestamp_to_string;
    default:
      return nullptr;
  }
}

CastKernel cast_from_string(TypeKind to) {
  switch (to) {
    case TypeKind::boolean:
      return string_to_boolean;
    case TypeKind::integer:
      return string_to_integer<std::int32_t>;
    case TypeKind::bigint:
      return string_to_integer<std::int64_t>;
    case TypeKind::double_:
      return string_to_double;
    case TypeKind::decimal:
      return string_to_decimal;
    case TypeKind::date:
      return string_to_date;
    case TypeKind::time:
      return string_to_time;
    case TypeKind::timestamp:
      return string_to_timestamp;
    default:
      return nullptr;
  }
}

}  // namespace penstock::data
