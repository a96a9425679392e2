#include "sql/constant.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/ascii.h"
#include "data/arena.h"
#include "data/cell.h"
#include "data/decimal.h"
#include "data/time_text.h"
#include "sql/operator_names.h"
#include "sql/type_rules.h"

namespace penstock::sql {
namespace {

using data::Int128;
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

std::optional<Value> read_decimal(std::string_view text, const Type& to) {
  const auto parsed = data::parse_decimal(text);
  if (!parsed) return std::nullopt;
  return some(data::fit_decimal(parsed->unscaled, parsed->scale, to, data::Rounding::exact));
}

// A text in the place of a literal. No cast: CAST trims, rounds, and takes every text for a
// BOOLEAN; here it is the literal, or a mistake.
std::optional<Value> read_text(std::string_view text, const Type& to) {
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
      return read_decimal(text, to);
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

// By the kernel that converts columns; nullopt also where the catalogue has none.
std::optional<Value> by_kernel(const FunctionCatalogue& functions, const Value& value,
                               const Type& from, const Type& to) {
  const ScalarFunction* function = functions.find(op::kCast);
  const Kernel kernel = function == nullptr ? nullptr : function->overloads.front().kernel;
  if (kernel == nullptr) return std::nullopt;
  data::Arena arena;
  data::Column given(from), made(to);
  given.reset(1);
  made.reset(1);
  data::set_value(given, 0, value, arena);
  const data::Column* const args[] = {&given};
  const data::RowIndex rows[] = {0};
  RowErrors errors;
  kernel({.args = args, .result = made, .rows = rows, .arena = arena, .errors = errors});
  if (!errors.empty()) return std::nullopt;
  return data::value_at(made, 0);
}

bool may_widen(const Type& from, const Type& to) {
  if (from.is_nested() || to.is_nested()) return false;
  if (to.kind() == TypeKind::string || implicit_cast(from.kind(), to.kind()) != ImplicitCast::none)
    return true;
  return from.kind() == TypeKind::bigint && to.kind() == TypeKind::integer;
}

std::string cell_text(const Value& value, const Type& type) {
  data::Arena arena;
  data::Column column(type);
  column.reset(1);
  data::set_value(column, 0, value, arena);
  std::string text;
  data::append_cell_text(text, column, 0);
  return text;
}

bool is_finite(const Value& value) {
  const auto* number = std::get_if<double>(&value);
  return number == nullptr || std::isfinite(*number);
}

}  // namespace

std::optional<Value> cast_constant(const FunctionCatalogue& functions, const Value& value,
                                   const Type& from, const Type& to) {
  if (std::holds_alternative<data::Null>(value) || from == to) return value;
  auto made = by_kernel(functions, value, from, to);
  if (made && !is_finite(*made)) return std::nullopt;
  return made;
}

std::optional<Value> widen_constant(const FunctionCatalogue& functions, const Value& value,
                                    const Type& from, const Type& to) {
  if (std::holds_alternative<data::Null>(value) || from == to) return value;
  if (from.kind() == TypeKind::string) return read_text(std::get<std::string>(value), to);
  if (!may_widen(from, to)) return std::nullopt;
  auto made = by_kernel(functions, value, from, to);
  if (!made || to.kind() == TypeKind::string || to.kind() == TypeKind::double_) return made;
  if (by_kernel(functions, *made, to, from) != value) return std::nullopt;  // cut off
  return made;
}

std::optional<TypedValue> number_in_text(std::string_view text) {
  text = trimmed_as_java(text);
  if (text.find_first_of("eE") != text.npos) {
    auto value = read_double(text);
    if (!value) return std::nullopt;
    return TypedValue{Type(TypeKind::double_), *std::move(value)};
  }
  if (const auto value = read_number<std::int32_t>(text))
    return TypedValue{Type(TypeKind::integer), Value(*value)};
  if (const auto value = read_number<std::int64_t>(text))
    return TypedValue{Type(TypeKind::bigint), Value(*value)};
  const auto parsed = data::parse_decimal(text);
  if (!parsed) return std::nullopt;
  auto type = Type::decimal(parsed->precision, parsed->scale);
  if (!type) return std::nullopt;
  return TypedValue{*std::move(type), parsed->unscaled};
}

std::optional<bool> boolean_in_text(std::string_view text) {
  if (begins_word("true", text) || begins_word("yes", text)) return true;
  if (begins_word("false", text) || begins_word("no", text)) return false;
  return std::nullopt;
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
  const std::string text = cell_text(value, type);
  switch (type.kind()) {
    case TypeKind::boolean:
      return upper(text);
    case TypeKind::date:
      return fmt::format("DATE '{}'", text);
    case TypeKind::time:
      return fmt::format("TIME '{}'", text);
    case TypeKind::timestamp:
      return fmt::format("TIMESTAMP '{}'", text);
    case TypeKind::string:
      break;
    case TypeKind::bytes:
      return fmt::format("<{} bytes>", std::get<std::string>(value).size());
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
