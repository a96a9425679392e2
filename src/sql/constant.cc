#include "sql/constant.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/ascii.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"

namespace penstock::sql {
namespace {

using data::Int128;
using data::Rounding;
using data::Type;
using data::TypeKind;
using data::Value;

template <typename T>
std::optional<T> read_number(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [parsed_end, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || parsed_end != end) return std::nullopt;
  return value;
}

template <typename T>
std::optional<Value> some(std::optional<T> value) {
  if (!value) return std::nullopt;
  return Value(*value);
}

std::optional<Value> read_boolean(std::string_view text) {
  if (equal_ignoring_case(text, "true")) return Value(true);
  if (equal_ignoring_case(text, "false")) return Value(false);
  return std::nullopt;
}

std::optional<Value> read_double(std::string_view text) {
  const auto value = read_number<double>(text);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return Value(*value);
}

std::optional<Value> read_decimal(std::string_view text, const Type& to, Rounding rounding) {
  const auto parsed = data::parse_decimal(text);
  if (!parsed) return std::nullopt;
  return some(data::fit_decimal(parsed->unscaled, parsed->scale, to, rounding));
}

std::optional<Value> from_text(const std::string& text, const Type& to, Rounding rounding) {
  switch (to.kind()) {
    case TypeKind::boolean:
      return read_boolean(text);
    case TypeKind::integer:
      return some(read_number<std::int32_t>(text));
    case TypeKind::bigint:
      return some(read_number<std::int64_t>(text));
    case TypeKind::double_:
      return read_double(text);
    case TypeKind::decimal:
      return read_decimal(text, to, rounding);
    case TypeKind::string:
      return Value(text);
    case TypeKind::date:
      return some(data::parse_date(text));
    case TypeKind::time:
      return some(data::parse_time(text));
    case TypeKind::timestamp:
      return some(data::parse_timestamp(text));
    default:
      return std::nullopt;
  }
}

std::string plain_text(const Value& value, const Type& type) {
  switch (type.kind()) {
    case TypeKind::boolean:
      return std::get<bool>(value) ? "true" : "false";
    case TypeKind::integer:
      return fmt::format("{}", std::get<std::int32_t>(value));
    case TypeKind::bigint:
      return fmt::format("{}", std::get<std::int64_t>(value));
    case TypeKind::double_:
      return data::double_text(std::get<double>(value));
    case TypeKind::decimal:
      return data::decimal_text(std::get<Int128>(value), type.scale());
    case TypeKind::date:
      return data::date_text(std::get<std::int32_t>(value));
    case TypeKind::time:
      return data::time_text(std::get<std::int32_t>(value));
    case TypeKind::timestamp:
      return data::timestamp_text(std::get<std::int64_t>(value));
    default:
      return std::get<std::string>(value);
  }
}

std::optional<Value> from_integer(std::int64_t value, const Type& to) {
  using Limits = std::numeric_limits<std::int32_t>;
  switch (to.kind()) {
    case TypeKind::integer:
      if (value < Limits::min() || value > Limits::max()) return std::nullopt;
      return Value(static_cast<std::int32_t>(value));
    case TypeKind::bigint:
      return Value(value);
    case TypeKind::decimal:
      return some(data::fit_decimal(value, 0, to, Rounding::exact));
    case TypeKind::double_:
      return Value(static_cast<double>(value));
    default:
      return std::nullopt;
  }
}

std::optional<Value> from_decimal(Int128 value, const Type& from, const Type& to,
                                  Rounding rounding) {
  if (to.kind() == TypeKind::decimal)
    return some(data::fit_decimal(value, from.scale(), to, rounding));
  if (to.kind() == TypeKind::double_) return Value(data::decimal_to_double({value, from.scale()}));
  return std::nullopt;
}

}  // namespace

std::optional<Value> convert_constant(const Value& value, const Type& from, const Type& to,
                                      Conversion conversion) {
  if (std::holds_alternative<data::Null>(value) || from == to) return value;
  if (from.is_nested() || to.is_nested()) return std::nullopt;  // the kernels'

  const Rounding rounding = conversion == Conversion::cast ? Rounding::half_up : Rounding::exact;
  if (to.kind() == TypeKind::string && from.kind() != TypeKind::bytes)
    return Value(plain_text(value, from));
  switch (from.kind()) {
    case TypeKind::string:
      return from_text(std::get<std::string>(value), to, rounding);
    case TypeKind::integer:
      return from_integer(std::get<std::int32_t>(value), to);
    case TypeKind::bigint:
      return from_integer(std::get<std::int64_t>(value), to);
    case TypeKind::decimal:
      return from_decimal(std::get<Int128>(value), from, to, rounding);
    default:
      return std::nullopt;
  }
}

std::optional<Value> negated_constant(const Value& value) {
  if (const auto* number = std::get_if<std::int32_t>(&value)) {
    if (*number == std::numeric_limits<std::int32_t>::min()) return std::nullopt;
    return Value(-*number);
  }
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    if (*number == std::numeric_limits<std::int64_t>::min()) return std::nullopt;
    return Value(-*number);
  }
  if (const auto* number = std::get_if<double>(&value)) return Value(-*number);
  if (const auto* number = std::get_if<Int128>(&value)) return Value(-*number);
  return std::nullopt;
}

std::string literal_text(const Value& value, const Type& type) {
  if (std::holds_alternative<data::Null>(value)) return "NULL";
  if (type.is_nested()) return fmt::format("<{}>", type.text());
  std::string text = plain_text(value, type);
  switch (type.kind()) {
    case TypeKind::boolean:
      return std::get<bool>(value) ? "TRUE" : "FALSE";
    case TypeKind::date:
      return fmt::format("DATE '{}'", text);
    case TypeKind::time:
      return fmt::format("TIME '{}'", text);
    case TypeKind::timestamp:
      return fmt::format("TIMESTAMP '{}'", text);
    case TypeKind::string:
      break;
    case TypeKind::bytes:
      return fmt::format("<{} bytes>", text.size());
    default:
      return text;
  }
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c;
    if (c == '\'') quoted += c;
  }
  return quoted + "'";
}

}  // namespace penstock::sql
