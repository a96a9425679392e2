// Every function with nulls, extremes and random Unicode: it fails rows or computes them, and
// touches nothing else.
#include <array>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "data/arena.h"
#include "data/cell.h"
#include "data/decimal.h"
#include "data/value.h"
#include "engine/runtime.h"
#include "sql/overload_resolver.h"

namespace penstock::engine::functions {
namespace {

using data::Type;
using data::TypeKind;
using data::Value;

constexpr std::size_t kRows = 48;
constexpr int kRounds = 12;

class Values {
 public:
  explicit Values(std::uint32_t seed) : random_(seed) {}

  Value make(const Type& type, int depth = 0) {
    if (below(6) == 0) return data::Null{};
    switch (type.kind()) {
      case TypeKind::boolean:
        return below(2) == 0;
      case TypeKind::integer:
      case TypeKind::date:
        return integer<std::int32_t>();
      case TypeKind::time:
        return static_cast<std::int32_t>(below(86'400'000));
      case TypeKind::bigint:
      case TypeKind::timestamp:
        return integer<std::int64_t>();
      case TypeKind::double_:
        return number();
      case TypeKind::decimal:
        return decimal(type.precision());
      case TypeKind::string:
        return text();
      case TypeKind::bytes:
        return bytes();
      case TypeKind::array:
        return array(type, depth);
      case TypeKind::map:
        return map(type, depth);
      case TypeKind::struct_:
        break;
    }
    data::ListValue fields;
    for (const data::TypeField& field : type.fields())
      fields.items.push_back(make(field.type, depth + 1));
    return fields;
  }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_()) % n; }

 private:
  template <typename T>
  Value integer() {
    using Limits = std::numeric_limits<T>;
    const std::array<T, 8> extremes = {0, 1, -1, 2, Limits::min(), Limits::max(), 10, -100};
    return below(4) == 0 ? static_cast<T>(random_()) : extremes[below(8)];
  }
  Value number() {
    using Limits = std::numeric_limits<double>;
    const std::array<double, 9> extremes = {0.0,
                                            -0.0,
                                            1.5,
                                            Limits::infinity(),
                                            -Limits::infinity(),
                                            Limits::quiet_NaN(),
                                            Limits::max(),
                                            Limits::denorm_min(),
                                            -1e18};
    return extremes[below(9)];
  }
  Value decimal(int precision) {
    const data::Int128 largest = data::power_of_ten(precision) - 1;
    const std::array<data::Int128, 5> extremes = {0, 1, -1, largest, -largest};
    return extremes[below(5)];
  }
  Value text() {
    static const std::array<std::string, 14> kPieces = {
        "",           "a",
        "Z",          "9",
        " ",          "é",
        "e\u0301",    "😀",
        "字",         "[1,{\"a\":null}]",
        "yyyy-MM-dd", "http://a.example:1/p?q=%zz#f",
        "(.*)+[",     "$.a[0]"};
    std::string out;
    for (std::uint32_t i = below(4); i > 0; --i) out += kPieces[below(14)];
    return out;
  }
  Value bytes() {
    std::string out;
    for (std::uint32_t i = below(20); i > 0; --i) out += static_cast<char>(random_());
    return out;
  }
  Value array(const Type& type, int depth) {
    data::ListValue list;
    for (std::uint32_t i = depth > 2 ? 0 : below(6); i > 0; --i)
      list.items.push_back(make(type.element(), depth + 1));
    return list;
  }
  Value map(const Type& type, int depth) {
    data::MapValue made;
    for (std::uint32_t i = depth > 2 ? 0 : below(4); i > 0; --i) {
      Value key = make(type.key(), depth + 1);
      const bool known = std::find(made.keys.begin(), made.keys.end(), key) != made.keys.end();
      if (known || std::holds_alternative<data::Null>(key)) continue;
      made.keys.push_back(std::move(key));
      made.values.push_back(make(type.value(), depth + 1));
    }
    return made;
  }

  std::mt19937 random_;
};

// A type for each variable, another one each round.
Type type_for(const sql::TypePattern& pattern, int round) {
  using Kind = sql::TypePattern::Kind;
  static const std::array<Type, 6> kAny = {
      Type(TypeKind::string),
      Type(TypeKind::integer),
      *Type::decimal(38, 10),
      Type::array(Type(TypeKind::double_)),
      Type::map(Type(TypeKind::string), Type(TypeKind::bigint)),
      Type::structure({{"A", Type(TypeKind::bytes)}, {"B", Type::array(Type(TypeKind::date))}})};
  switch (pattern.kind) {
    case Kind::type:
      return pattern.type == TypeKind::decimal
                 ? *Type::decimal(round % 2 == 0 ? 38 : 5, round % 2 == 0 ? 18 : 0)
                 : Type(pattern.type);
    case Kind::variable:
      return kAny[static_cast<std::size_t>(round) % kAny.size()];
    case Kind::array:
      return Type::array(type_for(pattern.parts[0], round));
    case Kind::map:
      return Type::map(type_for(pattern.parts[0], round), type_for(pattern.parts[1], round));
    case Kind::struct_:
    case Kind::unit:
    case Kind::lambda:
      break;
  }
  return Type(TypeKind::string);
}

void run_once(const sql::Function& function, const sql::Overload& overload, int round,
              Values& values) {
  data::Arena arena;
  std::vector<data::Column> columns;
  std::vector<sql::ArgumentType> types;
  for (const sql::TypePattern& pattern : overload.signature.args) {
    const Type type = type_for(pattern, round);
    types.push_back({.type = type, .narrow = {}, .lambda_params = -1, .text_literal = false});
    data::Column& column = columns.emplace_back(type);
    column.reset(kRows);
    for (std::size_t row = 0; row < kRows; ++row)
      data::set_value(column, row, values.make(type), arena);
  }
  sql::Function one;
  one.overloads.push_back(overload);
  const sql::Resolution resolution = sql::resolve(one, types);
  ASSERT_TRUE(resolution) << overload.signature.text();
  Type type = function.name == "$cast" ? Type(TypeKind::string) : resolution.result();
  if (function.kind == sql::FunctionKind::table) type = Type::array(type);
  data::Column result(type);
  result.reset(kRows);
  std::vector<const data::Column*> args;
  std::vector<data::RowIndex> rows;
  for (const data::Column& column : columns) args.push_back(&column);
  for (data::RowIndex row = 0; row < kRows; ++row) {
    bool any_null = false;
    for (const data::Column* column : args) any_null = any_null || column->is_null(row);
    const bool seen = !any_null || overload.null_rule == sql::NullRule::sees_nulls;
    if (seen && values.below(8) != 0) rows.push_back(row);
  }
  sql::RowErrors errors;
  if (!rows.empty()) overload.kernel({args, result, rows, arena, errors, nullptr, {}});
  std::vector<bool> failed(kRows);
  for (const auto& entry : errors.entries()) {
    ASSERT_TRUE(std::binary_search(rows.begin(), rows.end(), entry.row));
    ASSERT_FALSE(entry.reason.empty());
    failed[entry.row] = true;
  }
  for (data::RowIndex row : rows) {
    if (failed[row]) continue;
    std::string text;  // reads everything that the result consists of
    data::append_cell_text(text, result, row);
    data::hash_cell(result, row);
  }
}

TEST(Functions, TakeWhateverThereIs) {
  Values values(20260517);
  for (const sql::Function& function : builtin_functions().all()) {
    for (const sql::Overload& overload : function.overloads) {
      if (overload.kernel == nullptr ||
          std::ranges::any_of(overload.signature.args, &sql::TypePattern::is_lambda))
        continue;
      SCOPED_TRACE(overload.signature.text());
      for (int round = 0; round < kRounds; ++round) {
        run_once(function, overload, round, values);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace penstock::engine::functions
