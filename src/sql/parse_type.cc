// Type names of columns and casts.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/nearest.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

using data::Type;
using data::TypeKind;

struct NamedType {
  std::string_view name;
  TypeKind kind;
};
constexpr std::array<NamedType, 12> kScalars = {{
    {"BOOLEAN", TypeKind::boolean},
    {"INTEGER", TypeKind::integer},
    {"INT", TypeKind::integer},
    {"BIGINT", TypeKind::bigint},
    {"DOUBLE", TypeKind::double_},
    {"STRING", TypeKind::string},
    {"VARCHAR", TypeKind::string},
    {"BYTES", TypeKind::bytes},
    {"DATE", TypeKind::date},
    {"TIME", TypeKind::time},
    {"TIMESTAMP", TypeKind::timestamp},
    {"DECIMAL", TypeKind::decimal},
}};
constexpr std::array<std::string_view, 3> kNested = {"ARRAY", "MAP", "STRUCT"};

std::string type_hint(std::string_view name) {
  std::vector<std::string_view> names(kNested.begin(), kNested.end());
  for (const NamedType& type : kScalars) names.push_back(type.name);
  const std::string near = did_you_mean(name, std::span<const std::string_view>(names));
  if (!near.empty()) return near;
  return " Types are BOOLEAN, INTEGER, BIGINT, DOUBLE, DECIMAL(p, s), STRING, BYTES, DATE, TIME, "
         "TIMESTAMP.";
}

Parsed<Type> parse_decimal(TokenCursor& cursor, std::uint32_t begin) {
  if (!cursor.at_symbol("(")) {
    return problem(cursor.span_since(begin),
                   "DECIMAL needs its precision and scale: DECIMAL(10, 2).");
  }
  cursor.take();
  const std::int64_t precision = TRY(cursor.expect_count("the precision"));
  TRY(cursor.expect_symbol(","));
  const std::int64_t scale = TRY(cursor.expect_count("the scale"));
  TRY(cursor.expect_symbol(")"));
  constexpr std::int64_t kFarOutside = 1000;  // keeps int from overflowing; refused anyway
  auto type = Type::decimal(static_cast<int>(std::min(precision, kFarOutside)),
                            static_cast<int>(std::min(scale, kFarOutside)));
  if (!type) {
    return problem(
        cursor.span_since(begin),
        fmt::format("DECIMAL({}, {}) is out of range: the precision is 1 to 38, the scale 0 "
                    "to the precision.",
                    precision, scale));
  }
  return *std::move(type);
}

Parsed<Type> struct_type(TokenCursor& cursor) {
  std::vector<data::TypeField> fields;
  TRY(cursor.expect_symbol("<"));
  if (!cursor.accept_symbol(">")) {
    do {
      if (fields.size() == kColumnsMax) {
        return too_much(cursor.peek().span,
                        fmt::format("A STRUCT has at most {} fields.", kColumnsMax));
      }
      const ast::Identifier name = TRY(cursor.expect_name("a field name"));
      Type type = TRY(parse_type(cursor));
      fields.push_back({name.text, std::move(type)});
    } while (cursor.accept_symbol(","));
    TRY(cursor.expect_symbol(">"));
  }
  return Type::structure(std::move(fields));
}

Parsed<Type> nested_type(TokenCursor& cursor, std::string_view kind) {
  if (kind == "STRUCT" && cursor.accept_symbol("<>")) return Type::structure({});
  if (kind == "STRUCT") return struct_type(cursor);
  TRY(cursor.expect_symbol("<"));
  Type first = TRY(parse_type(cursor));
  if (kind == "ARRAY") {
    TRY(cursor.expect_symbol(">"));
    return Type::array(std::move(first));
  }
  TRY(cursor.expect_symbol(","));
  Type second = TRY(parse_type(cursor));
  TRY(cursor.expect_symbol(">"));
  return Type::map(std::move(first), std::move(second));
}

}  // namespace

Parsed<Type> parse_type(TokenCursor& cursor) {
  const TokenCursor::Level level(cursor);
  TRY(cursor.check_depth());
  const Token& token = cursor.peek();
  if (token.kind != TokenKind::word || is_reserved(token.text)) return cursor.unexpected("a type");
  cursor.take();
  if (std::find(kNested.begin(), kNested.end(), token.text) != kNested.end()) {
    return nested_type(cursor, token.text);
  }
  const auto named = std::find_if(kScalars.begin(), kScalars.end(),
                                  [&](const NamedType& type) { return type.name == token.text; });
  if (named == kScalars.end()) {
    return problem(token.span,
                   fmt::format("Type '{}' is not known.{}", token.text, type_hint(token.text)));
  }
  if (named->kind == TypeKind::decimal) return parse_decimal(cursor, token.span.begin);
  // VARCHAR(20) is taken as ksqlDB takes it: the length does not limit anything.
  if (named->kind == TypeKind::string && cursor.accept_symbol("(")) {
    TRY(cursor.expect_count("a length"));
    TRY(cursor.expect_symbol(")"));
  }
  return Type(named->kind);
}

}  // namespace penstock::sql
