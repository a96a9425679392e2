#include "engine/functions/example_evaluator.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "data/arena.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"
#include "engine/functions/overload.h"
#include "engine/runtime.h"
#include "sql/overload_resolver.h"

namespace penstock::engine::functions {
namespace {

using data::Type;
using data::TypeKind;

TypedValue run_as(const sql::Overload& overload, std::vector<TypedValue> args,
                  const RunOptions& options, const Type& type,
                  std::span<sql::Lambda* const> lambdas);

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

TypedValue cast_value(const TypedValue& value, const Type& to) {
  if (!value.type || *value.type == to) return {to, value.value, ""};
  return run(builtin_functions().find("$cast")->overloads.front(), {value}, {}, &to);
}

// A lambda of an example, evaluated element by element.
struct LambdaText {
  std::vector<std::string> params;
  std::string body;
};
using Parameters = std::map<std::string, TypedValue>;
TypedValue evaluate_body(const LambdaText& lambda, const Parameters& outer,
                         const std::vector<TypedValue>& values);

struct Argument {
  TypedValue value;
  std::optional<LambdaText> lambda;
};

class ExampleLambda final : public sql::Lambda {
 public:
  ExampleLambda(LambdaText text, Parameters outer, Type result)
      : text_(std::move(text)), outer_(std::move(outer)), result_(std::move(result)) {}

  const data::Column& apply(std::span<data::Column* const> params, std::size_t rows,
                            std::span<const data::RowIndex>) override {
    result_.reset(rows);
    for (std::size_t row = 0; row < rows; ++row) {
      std::vector<TypedValue> values;
      for (const data::Column* param : params)
        values.push_back({param->type(), data::value_at(*param, row), ""});
      const TypedValue value = cast_value(evaluate_body(text_, outer_, values), result_.type());
      EXPECT_EQ(value.error, "");
      data::set_value(result_, row, value.value, arena_);
    }
    return result_;
  }

 private:
  LambdaText text_;
  Parameters outer_;
  data::Column result_;
  data::Arena arena_;
};

// The overload by the resolver that statements use.
TypedValue call(std::string_view name, std::vector<Argument> args, const RunOptions& options,
                const Type* cast_target, const Parameters& outer) {
  const sql::ScalarFunction* function = builtin_functions().find(name);
  if (function == nullptr) return failure("no function " + std::string(name));
  std::vector<sql::ArgumentType> types;
  for (const Argument& arg : args) {
    if (!arg.value.error.empty()) return arg.value;
    sql::ArgumentType& type = types.emplace_back();
    type.type = arg.value.type;
    if (arg.lambda) type.lambda_params = static_cast<int>(arg.lambda->params.size());
  }
  sql::Resolution resolution = sql::resolve(*function, types);
  if (!resolution) return failure("no overload of " + std::string(name));
  std::vector<TypedValue> values;
  std::vector<std::unique_ptr<ExampleLambda>> lambdas(args.size());
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (!args[i].lambda) {
      values.push_back(cast_value(args[i].value, resolution.types()[i]));
      if (!values.back().error.empty()) return values.back();
      continue;
    }
    std::vector<TypedValue> nulls;
    for (const Type& type : resolution.lambda_params(i)) nulls.push_back({type, data::Null{}, ""});
    const TypedValue body = evaluate_body(*args[i].lambda, outer, nulls);
    const auto result = resolution.set_lambda_result(i, body.type.value_or(Type(TypeKind::string)));
    if (!result) return failure("the lambda's result does not fit");
    lambdas[i] = std::make_unique<ExampleLambda>(*args[i].lambda, outer, *result);
    values.push_back({std::nullopt, data::Null{}, ""});
  }
  std::vector<sql::Lambda*> views;
  for (const auto& lambda : lambdas) views.push_back(lambda.get());
  const Type result = cast_target != nullptr ? *cast_target : resolution.result();
  return run_as(resolution.overload(), std::move(values), options, result, views);
}

class Parser {
 public:
  Parser(std::string_view text, const RunOptions& options, Parameters parameters = {})
      : rest_(text), options_(options), parameters_(std::move(parameters)) {}

  TypedValue parse() {
    TypedValue value = expression();
    skip_blanks();
    return rest_.empty() ? value : failure("unread: " + std::string(rest_));
  }

 private:
  // Operators from the left to the right, all of one rank.
  TypedValue expression() {
    TypedValue left = primary();
    for (;;) {
      skip_blanks();
      const auto* found = std::ranges::find_if(
          kOperators, [&](const auto& one) { return rest_.starts_with(one.first); });
      if (found == kOperators.end() || rest_.starts_with("=>")) return left;
      rest_.remove_prefix(found->first.size());
      TypedValue right = primary();
      left = call(found->second, {{left, {}}, {right, {}}}, options_, nullptr, parameters_);
    }
  }

  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kOperators = {
      {{"||", "$concat"},
       {"+", "$add"},
       {"-", "$subtract"},
       {"*", "$multiply"},
       {"=", "$equal"},
       {">", "$greater"},
       {"<", "$less"}}};

  TypedValue primary() {
    skip_blanks();
    if (rest_.empty()) return failure("unexpected end");
    if (rest_[0] == '\'') return {Type(TypeKind::string), string(), ""};
    if (std::isdigit(static_cast<unsigned char>(rest_[0])) || rest_[0] == '-') return number();
    const std::string word = this->word();
    if (const auto known = parameters_.find(word); known != parameters_.end()) return known->second;
    skip_blanks();
    if (word == "ARRAY" && rest_.starts_with('[')) return array();
    if ((word == "MAP" || word == "STRUCT") && rest_.starts_with('('))
      return entries(word == "MAP");
    if (rest_.starts_with('(')) return function(word);
    if (rest_.starts_with('\'')) return typed(word, string());
    if (word == "NULL") return {std::nullopt, data::Null{}, ""};
    if (word == "TRUE" || word == "FALSE") return {Type(TypeKind::boolean), word == "TRUE", ""};
    return failure("unknown word " + word);
  }

  TypedValue function(const std::string& name) {
    rest_.remove_prefix(1);
    std::vector<Argument> args;
    std::optional<Type> target;
    skip_blanks();
    while (!rest_.starts_with(')')) {
      if (name == "$cast" && args.size() == 1)
        target = type();
      else if (auto made = lambda())
        args.push_back({{}, std::move(made)});
      else if (args.empty() && sql::takes_unit(*builtin_functions().find("DATEADD"), 0) &&
               is_unit())
        args.push_back({{Type(TypeKind::string), word(), ""}, {}});
      else
        args.push_back({expression(), {}});
      skip_blanks();
      if (rest_.starts_with(','))
        rest_.remove_prefix(1);
      else if (!rest_.starts_with(')'))
        return failure("expected , or ) in " + name);
    }
    rest_.remove_prefix(1);
    return call(name, std::move(args), options_, target ? &*target : nullptr, parameters_);
  }

  bool is_unit() const {
    for (const std::string_view unit : {"DAYS", "HOURS", "MINUTES", "SECONDS", "MILLISECONDS"})
      if (rest_.starts_with(unit)) return true;
    return false;
  }

  // X => body, (X, Y) => body.
  std::optional<LambdaText> lambda() {
    const std::string_view before = rest_;
    LambdaText made;
    skip_blanks();
    const bool several = rest_.starts_with('(');
    if (several) rest_.remove_prefix(1);
    do {
      skip_blanks();
      made.params.push_back(word());
      skip_blanks();
    } while (several && rest_.starts_with(',') && (rest_.remove_prefix(1), true));
    if (several && rest_.starts_with(')')) rest_.remove_prefix(1);
    skip_blanks();
    if (!rest_.starts_with("=>")) {
      rest_ = before;
      return std::nullopt;
    }
    rest_.remove_prefix(2);
    std::size_t size = 0;
    for (int depth = 0; size < rest_.size(); ++size) {
      const char c = rest_[size];
      if (depth == 0 && (c == ',' || c == ')')) break;
      depth += (c == '(' || c == '[') - (c == ')' || c == ']');
    }
    made.body = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return made;
  }

  TypedValue array() {
    rest_.remove_prefix(1);
    data::ListValue list;
    std::optional<Type> element;
    for (skip_blanks(); !rest_.starts_with(']'); skip_blanks()) {
      TypedValue item = expression();
      if (!item.error.empty()) return item;
      if (item.type) element = item.type;
      list.items.push_back(std::move(item.value));
      skip_blanks();
      if (rest_.starts_with(',')) rest_.remove_prefix(1);
    }
    rest_.remove_prefix(1);
    return {Type::array(element.value_or(Type(TypeKind::integer))), std::move(list), ""};
  }

  TypedValue entries(bool map) {
    rest_.remove_prefix(1);
    data::MapValue made;
    std::vector<data::TypeField> fields;
    for (skip_blanks(); !rest_.starts_with(')'); skip_blanks()) {
      const std::string name = map ? "" : word();
      const TypedValue key = map ? expression() : TypedValue{Type(TypeKind::string), name, ""};
      skip_blanks();
      rest_.remove_prefix(2);  // :=
      const TypedValue value = expression();
      if (!value.error.empty()) return value;
      made.keys.push_back(key.value);
      made.values.push_back(value.value);
      fields.push_back({name, value.type.value_or(Type(TypeKind::string))});
      skip_blanks();
      if (rest_.starts_with(',')) rest_.remove_prefix(1);
    }
    rest_.remove_prefix(1);
    if (!map) return {Type::structure(std::move(fields)), data::ListValue{made.values}, ""};
    const Type value = fields.empty() ? Type(TypeKind::string) : fields.back().type;
    return {Type::map(Type(TypeKind::string), value), std::move(made), ""};
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
    std::string text;
    std::size_t at = 1;
    for (; at < rest_.size(); ++at) {
      if (rest_[at] == '\'' && !rest_.substr(at).starts_with("''")) break;
      at += rest_[at] == '\'';
      text += rest_[at];
    }
    rest_.remove_prefix(std::min(at + 1, rest_.size()));
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
  Parameters parameters_;
};

TypedValue evaluate_body(const LambdaText& lambda, const Parameters& outer,
                         const std::vector<TypedValue>& values) {
  Parameters parameters = outer;
  for (std::size_t i = 0; i < values.size(); ++i)
    parameters.insert_or_assign(lambda.params[i], values[i]);
  static const RunOptions kOne;
  return Parser(lambda.body, kOne, std::move(parameters)).parse();
}

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
    case TypeKind::string:
    case TypeKind::bytes:
      return std::string("sentinel");
    case TypeKind::array:
      return data::ListValue{{sentinel(type.element())}};
    case TypeKind::map:
      return data::MapValue{};
    case TypeKind::struct_:
      break;
  }
  data::ListValue fields;
  for (const data::TypeField& field : type.fields()) fields.items.push_back(sentinel(field.type));
  return fields;
}

bool same_value(const data::Value& a, const data::Value& b) {
  if (std::holds_alternative<double>(a) && std::holds_alternative<double>(b))
    return std::memcmp(&std::get<double>(a), &std::get<double>(b), sizeof(double)) == 0;
  return a == b;
}

// What prepare() makes of the arguments, all of which are constants here.
Result<std::shared_ptr<const sql::FunctionState>> prepared_state(
    const sql::Overload& overload, const std::vector<TypedValue>& args) {
  if (overload.prepare == nullptr) return nullptr;
  std::vector<const data::Value*> constants;
  for (const TypedValue& arg : args) constants.push_back(&arg.value);
  return overload.prepare(constants);
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

TypedValue run_as(const sql::Overload& overload, std::vector<TypedValue> args,
                  const RunOptions& options, const Type& type,
                  std::span<sql::Lambda* const> lambdas) {
  data::Arena arena;
  std::vector<data::Column> columns;
  columns.reserve(args.size());
  std::vector<const data::Column*> views;
  bool any_null = false;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const TypedValue& arg = args[i];
    if (!lambdas.empty() && lambdas[i] != nullptr) {
      views.push_back(nullptr);
      continue;
    }
    any_null |= std::holds_alternative<data::Null>(arg.value);
    data::Column& column = columns.emplace_back(*arg.type);
    column.reset(options.rows);
    for (std::size_t row = 0; row < options.rows; ++row)
      data::set_value(column, row, arg.value, arena);
    views.push_back(&column);
  }
  if (overload.kernel == nullptr) return failure("no kernel");
  if (any_null && overload.null_rule == sql::NullRule::null_if_any) return {type, data::Null{}, ""};
  auto state = prepared_state(overload, args);
  if (!state) return failure(state.error().text());
  data::Column result(type);
  result.reset(options.rows);
  for (std::size_t row = 0; row < options.rows; ++row)
    data::set_value(result, row, sentinel(type), arena);
  sql::RowErrors errors;
  overload.kernel({views, result, options.selection, arena, errors, state->get(), lambdas});
  if (errors.empty()) return {type, collect(result, options), ""};
  EXPECT_EQ(errors.entries().size(), options.selection.size());
  return failure(std::string(errors.entries().front().reason));
}

std::string list_text(const Type& type, const data::ListValue& list) {
  const bool array = type.kind() == TypeKind::array;
  std::string text;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) text += ", ";
    if (!array) text += type.fields()[i].name + "=";
    text += TypedValue{array ? type.element() : type.fields()[i].type, list.items[i], ""}.text();
  }
  return array ? "[" + text + "]" : "{" + text + "}";
}

std::string map_text(const Type& type, const data::MapValue& map) {
  std::string text;
  for (std::size_t i = 0; i < map.keys.size(); ++i)
    text += (i > 0 ? ", " : "") + TypedValue{type.key(), map.keys[i], ""}.text() + "=" +
            TypedValue{type.value(), map.values[i], ""}.text();
  return "{" + text + "}";
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
  if (const auto* list = std::get_if<data::ListValue>(&value)) return list_text(*type, *list);
  if (const auto* map = std::get_if<data::MapValue>(&value)) return map_text(*type, *map);
  return std::holds_alternative<data::Null>(value) ? "NULL" : integral_text(*this);
}

TypedValue run(const sql::Overload& overload, std::vector<TypedValue> args,
               const RunOptions& options, const Type* cast_target) {
  if (cast_target != nullptr) return run_as(overload, std::move(args), options, *cast_target, {});
  std::vector<sql::ArgumentType> types;
  for (const TypedValue& arg : args) types.emplace_back().type = arg.type;
  sql::Function one;
  one.overloads.push_back(overload);
  const sql::Resolution resolution = sql::resolve(one, types);
  if (!resolution) return failure("the overload does not take these types");
  return run_as(overload, std::move(args), options, resolution.result(), {});
}

TypedValue evaluate(std::string_view expression, const RunOptions& options) {
  return Parser(expression, options).parse();
}

}  // namespace penstock::engine::functions
