// Type names of columns and casts.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

using ast::TypeName;
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

Parsed<TypeName> struct_type(TokenCursor& cursor) {
  TypeName type;
  type.form = TypeName::Form::structure;
  TRY(cursor.expect_symbol("<"));
  if (!cursor.accept_symbol(">")) {
    do {
      if (type.fields.size() == kColumnsMax) {
        return too_much(cursor.peek().span,
                        fmt::format("A STRUCT has at most {} fields.", kColumnsMax));
      }
      type.fields.push_back(TRY(cursor.expect_name("a field name")));
      type.parts.push_back(TRY(parse_type(cursor)));
    } while (cursor.accept_symbol(","));
    TRY(cursor.expect_symbol(">"));
  }
  return type;
}

Parsed<TypeName> nested_type(TokenCursor& cursor, std::string_view kind) {
  TypeName type;
  type.form = TypeName::Form::structure;
  if (kind == "STRUCT" && cursor.accept_symbol("<>")) return type;
  if (kind == "STRUCT") return struct_type(cursor);
  type.form = kind == "ARRAY" ? TypeName::Form::array : TypeName::Form::map;
  TRY(cursor.expect_symbol("<"));
  type.parts.push_back(TRY(parse_type(cursor)));
  if (kind == "MAP") {
    TRY(cursor.expect_symbol(","));
    type.parts.push_back(TRY(parse_type(cursor)));
  }
  TRY(cursor.expect_symbol(">"));
  return type;
}

TypeName ready_type(Type type) {
  TypeName name;
  name.ready = std::move(type);
  return name;
}

// VARCHAR(20) and VARCHAR(STRING) are taken as ksqlDB takes them: they do not limit anything.
Parsed<void> skip_length(TokenCursor& cursor) {
  if (!cursor.accept_symbol("(")) return {};
  if (!cursor.accept_word("STRING")) {
    if (cursor.peek().kind != TokenKind::integer) return cursor.unexpected("a length or STRING");
    cursor.take();
  }
  return cursor.expect_symbol(")");
}

// A type that does not say what is in it, and any other name: what it is, the catalogue knows.
Parsed<TypeName> one_type(TokenCursor& cursor) {
  const Token& token = cursor.peek();
  const bool quoted = token.kind == TokenKind::identifier;
  if (!quoted && (token.kind != TokenKind::word || is_reserved(token.text)))
    return cursor.unexpected("a type");
  cursor.take();
  const bool nested = std::find(kNested.begin(), kNested.end(), token.text) != kNested.end();
  if (nested && !quoted && (cursor.at_symbol("<") || cursor.at_symbol("<>")))
    return nested_type(cursor, token.text);
  const auto named = std::find_if(kScalars.begin(), kScalars.end(),
                                  [&](const NamedType& type) { return type.name == token.text; });
  if (quoted || named == kScalars.end()) {
    TypeName custom;
    custom.form = TypeName::Form::custom;
    custom.name = {token.text, token.span, token.quote};
    return custom;
  }
  if (named->kind == TypeKind::decimal)
    return ready_type(TRY(parse_decimal(cursor, token.span.begin)));
  if (named->kind == TypeKind::string) TRY(skip_length(cursor));
  return ready_type(Type(named->kind));
}

}  // namespace

Parsed<TypeName> parse_type(TokenCursor& cursor) {
  const TokenCursor::Level level(cursor);
  TRY(cursor.check_depth());
  const std::uint32_t begin = cursor.position();
  TypeName type = TRY(one_type(cursor));
  type.span = cursor.span_since(begin);
  return type;
}

}  // namespace penstock::sql
