#include "engine/functions/example_evaluator.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <utility>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "data/arena.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"
#include "engine/functions/cast.h"
#include "engine/functions/overload.h"
#include "engine/runtime.h"

namespace penstock::engine::functions {
namespace {

using data::Type;
using data::TypeKind;

TypedValue failure(std::string reason) {
  return {std::nullopt, data::Null{}, std::move(reason)};
}

std::string in_quotes(const std::string& text) {
  return "'" + text + "'";
}

std::string integral_text(const TypedValue& value) {
  if (const auto* small = std::get_if<std::int32_t>(&value.value)) {
    if (value.type->kind() == TypeKind::date) return data::date_text(*small);
    if (value.type->kind() == TypeKind::time) return data::time_text(*small);
    return std::to_string(*small);
  }
  const std::int64_t large = std::get<std::int64_t>(value.value);
  return value.type->kind() == TypeKind::timestamp ? data::timestamp_text(large)
                                                   : std::to_string(large);
}

// Numbers by width; -1 for what is no number.
int rank(TypeKind kind) {
  switch (kind) {
    case TypeKind::integer:
      return 0;
    case TypeKind::bigint:
      return 1;
    case TypeKind::decimal:
      return 2;
    case TypeKind::double_:
      return 3;
    default:
      return -1;
  }
}

std::optional<TypeKind> kind_of(ArgKind kind) {
  switch (kind) {
    case ArgKind::boolean:
      return TypeKind::boolean;
    case ArgKind::integer:
      return TypeKind::integer;
    case ArgKind::bigint:
      return TypeKind::bigint;
    case ArgKind::double_:
      return TypeKind::double_;
    case ArgKind::decimal:
      return TypeKind::decimal;
    case ArgKind::string:
      return TypeKind::string;
    case ArgKind::bytes:
      return TypeKind::bytes;
    case ArgKind::date:
      return TypeKind::date;
    case ArgKind::time:
      return TypeKind::time;
    case ArgKind::timestamp:
      return TypeKind::timestamp;
    case ArgKind::any:
    case ArgKind::same:
      break;
  }
  return std::nullopt;
}

Type decimal_for(const Type& type) {
  if (type.kind() == TypeKind::decimal) return type;
  return *Type::decimal(type.kind() == TypeKind::integer ? 10 : 19, 0);
}

// The type that a value of `from` takes at a place for `kind`; nullopt when it does not fit there.
std::optional<Type> widened(const Type& from, TypeKind kind, bool exact) {
  if (from.kind() == kind) return from;
  const bool fits = rank(from.kind()) >= 0 && rank(from.kind()) < rank(kind);
  if (exact || !fits) return std::nullopt;
  return kind == TypeKind::decimal ? decimal_for(from) : Type(kind);
}

std::optional<Type> common_of(const std::vector<TypedValue>& args, bool exact) {
  std::vector<Type> types;
  for (const TypedValue& arg : args)
    if (arg.type) types.push_back(*arg.type);
  if (types.empty()) return Type(TypeKind::integer);
  TypeKind widest = types[0].kind();
  for (const Type& type : types)
    if (rank(type.kind()) > rank(widest)) widest = type.kind();
  for (Type& type : types) {
    auto fitted = widened(type, widest, exact);
    if (!fitted) return std::nullopt;
    type = *fitted;
  }
  return common_type(types);
}

// The arguments' types for an overload, or nullopt when it does not take them.
std::optional<std::vector<Type>> match(const sql::Overload& overload,
                                       const std::vector<TypedValue>& args, bool exact) {
  const std::size_t least = overload.args.size();
  if (overload.variadic ? args.size() < least : args.size() != least) return std::nullopt;
  std::vector<Type> types;
  for (std::size_t i = 0; i < args.size(); ++i) {
    auto kind = kind_of(overload.args[std::min(i, least - 1)]);
    std::optional<Type> type;
    if (!kind)
      type = common_of(args, exact);
    else if (args[i].type)
      type = widened(*args[i].type, *kind, exact);
    else
      type = *kind == TypeKind::decimal ? *Type::decimal(10, 2) : Type(*kind);
    if (!type) return std::nullopt;
    types.push_back(*type);
  }
  return types;
}

TypedValue cast_value(const TypedValue& value, const Type& to) {
  if (!value.type || *value.type == to) return {to, value.value, ""};
  sql::Overload overload;
  overload.args = {ArgKind::any};
  overload.result = [](Types types) { return types.back(); };
  overload.kernel = cast_kernel(value.type->kind(), to.kind());
  if (overload.kernel == nullptr) return failure("no such cast");
  return run(overload, {value}, {}, &to);
}

TypedValue call(std::string_view name, std::vector<TypedValue> args, const RunOptions& options,
                const Type* cast_target) {
  for (const TypedValue& arg : args)
    if (!arg.error.empty()) return arg;
  const sql::ScalarFunction* function = builtin_functions().find(name);
  if (function == nullptr) return failure("no function " + std::string(name));
  for (bool exact : {true, false}) {
    for (const sql::Overload& overload : function->overloads) {
      auto types = match(overload, args, exact);
      if (!types) continue;
      for (std::size_t i = 0; i < args.size(); ++i) {
        args[i] = cast_value(args[i], (*types)[i]);
        if (!args[i].error.empty()) return args[i];
      }
      return run(overload, std::move(args), options, cast_target);
    }
  }
  return failure("no overload of " + std::string(name));
}

class Parser {
 public:
  Parser(std::string_view text, const RunOptions& options) : rest_(text), options_(options) {}

  TypedValue parse() {
    TypedValue value = expression();
    skip_blanks();
    return rest_.empty() ? value : failure("unread: " + std::string(rest_));
  }

 private:
  TypedValue expression() {
    skip_blanks();
    if (rest_.empty()) return failure("unexpected end");
    if (rest_[0] == '\'') return {Type(TypeKind::string), string(), ""};
    if (std::isdigit(static_cast<unsigned char>(rest_[0])) || rest_[0] == '-') return number();
    const std::string word = this->word();
    skip_blanks();
    if (rest_.starts_with('(')) return function(word);
    if (rest_.starts_with('\'')) return typed(word, string());
    if (word == "NULL") return {std::nullopt, data::Null{}, ""};
    if (word == "TRUE" || word == "FALSE") return {Type(TypeKind::boolean), word == "TRUE", ""};
    return failure("unknown word " + word);
  }

  TypedValue function(const std::string& name) {
    rest_.remove_prefix(1);
    std::vector<TypedValue> args;
    std::optional<Type> target;
    skip_blanks();
    while (!rest_.starts_with(')')) {
      if (name == "$cast" && args.size() == 1)
        target = type();
      else
        args.push_back(expression());
      skip_blanks();
      if (rest_.starts_with(','))
        rest_.remove_prefix(1);
      else if (!rest_.starts_with(')'))
        return failure("expected , or ) in " + name);
    }
    rest_.remove_prefix(1);
    return call(name, std::move(args), options_, target ? &*target : nullptr);
  }

  TypedValue typed(const std::string& word, const std::string& text) {
    if (word == "X")
      return {Type(TypeKind::bytes), std::string(as_text(from_hex(text).value())), ""};
    if (word == "DATE") return {Type(TypeKind::date), data::parse_date(text).value(), ""};
    if (word == "TIME") return {Type(TypeKind::time), data::parse_time(text).value(), ""};
    if (word == "TIMESTAMP")
      return {Type(TypeKind::timestamp), data::parse_timestamp(text).value(), ""};
    return failure("unknown literal " + word);
  }

  TypedValue number() {
    std::size_t size = 1;
    while (size < rest_.size() &&
           (std::isalnum(static_cast<unsigned char>(rest_[size])) || rest_[size] == '.' ||
            (rest_[size] == '-' && rest_[size - 1] == 'E')))
      ++size;
    const std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    if (text.find('E') != std::string::npos) return {Type(TypeKind::double_), std::stod(text), ""};
    auto parsed = data::parse_decimal(text);
    if (!parsed) return failure("bad number " + text);
    if (text.find('.') != std::string::npos)
      return {*Type::decimal(parsed->precision, parsed->scale), parsed->unscaled, ""};
    const auto value = static_cast<std::int64_t>(parsed->unscaled);
    if (value == static_cast<std::int32_t>(value))
      return {Type(TypeKind::integer), static_cast<std::int32_t>(value), ""};
    return {Type(TypeKind::bigint), value, ""};
  }

  std::string string() {
    const std::size_t end = rest_.find('\'', 1);
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }

  std::string word() {
    std::size_t size = 0;
    while (size < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[size])) ||
                                   rest_[size] == '_' || rest_[size] == '$'))
      ++size;
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }

  Type type() {
    skip_blanks();
    const std::string name = word();
    if (name == "DECIMAL") {
      const std::size_t end = rest_.find(')');
      int precision = 0, scale = 0;
      std::sscanf(std::string(rest_.substr(0, end + 1)).c_str(), "(%d, %d)", &precision, &scale);
      rest_.remove_prefix(end + 1);
      return *Type::decimal(precision, scale);
    }
    for (TypeKind kind :
         {TypeKind::boolean, TypeKind::integer, TypeKind::bigint, TypeKind::double_,
          TypeKind::string, TypeKind::bytes, TypeKind::date, TypeKind::time, TypeKind::timestamp})
      if (Type(kind).text() == name) return Type(kind);
    ADD_FAILURE() << "unknown type " << name;
    return Type();
  }

  void skip_blanks() {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
  }

  std::string_view rest_;
  const RunOptions& options_;
};

// Puts a pattern in every row, so that a write to another row than the selected ones shows.
data::Value sentinel(const Type& type) {
  switch (type.kind()) {
    case TypeKind::boolean:
      return true;
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return std::int32_t{-77};
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return std::int64_t{-77};
    case TypeKind::double_:
      return -77.25;
    case TypeKind::decimal:
      return data::Int128{-7};
    default:
      return std::string("sentinel");
  }
}

bool same_value(const data::Value& a, const data::Value& b) {
  if (std::holds_alternative<double>(a) && std::holds_alternative<double>(b))
    return std::memcmp(&std::get<double>(a), &std::get<double>(b), sizeof(double)) == 0;
  return a == b;
}

// The value of the selected rows, which must be one; others must still be the sentinel.
data::Value collect(const data::Column& column, const RunOptions& options) {
  const data::Value found = data::value_at(column, options.selection.front());
  for (data::RowIndex row = 0; row < options.rows; ++row) {
    const bool selected =
        std::binary_search(options.selection.begin(), options.selection.end(), row);
    const data::Value wanted = selected ? found : sentinel(column.type());
    EXPECT_TRUE(same_value(data::value_at(column, row), wanted))
        << "row " << row << " of " << options.rows;
  }
  return found;
}

}  // namespace

std::string TypedValue::text() const {
  if (!error.empty()) return "error: " + error;
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<double>(&value)) return data::double_text(*number);
  if (const auto* exact = std::get_if<data::Int128>(&value))
    return data::decimal_text(*exact, type->scale());
  if (const auto* bytes = std::get_if<std::string>(&value)) {
    if (type->kind() == TypeKind::string) return in_quotes(*bytes);
    std::string hex = to_hex(as_bytes(*bytes));
    std::transform(hex.begin(), hex.end(), hex.begin(), [](char c) { return std::toupper(c); });
    return "X" + in_quotes(hex);
  }
  return std::holds_alternative<data::Null>(value) ? "NULL" : integral_text(*this);
}

TypedValue run(const sql::Overload& overload, std::vector<TypedValue> args,
               const RunOptions& options, const Type* cast_target) {
  data::Arena arena;
  std::vector<Type> types;
  std::vector<data::Column> columns;
  bool any_null = false;
  for (const TypedValue& arg : args) {
    types.push_back(*arg.type);
    any_null |= std::holds_alternative<data::Null>(arg.value);
    data::Column& column = columns.emplace_back(*arg.type);
    column.reset(options.rows);
    for (std::size_t row = 0; row < options.rows; ++row)
      data::set_value(column, row, arg.value, arena);
  }
  if (cast_target != nullptr) types.push_back(*cast_target);
  const Type type = overload.result(types);
  if (any_null && overload.null_rule == sql::NullRule::null_if_any) return {type, data::Null{}, ""};
  std::vector<const data::Column*> views;
  for (const data::Column& column : columns) views.push_back(&column);
  data::Column result(type);
  result.reset(options.rows);
  for (std::size_t row = 0; row < options.rows; ++row)
    data::set_value(result, row, sentinel(type), arena);
  sql::RowErrors errors;
  overload.kernel({views, result, options.selection, arena, errors});
  const data::Value value = collect(result, options);
  if (errors.empty()) return {type, value, ""};
  EXPECT_EQ(errors.entries().size(), options.selection.size());
  return failure(std::string(errors.entries().front().reason));
}

TypedValue evaluate(std::string_view expression, const RunOptions& options) {
  return Parser(expression, options).parse();
}

}  // namespace penstock::engine::functions
