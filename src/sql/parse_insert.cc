// INSERT INTO ... SELECT and INSERT INTO ... VALUES.
#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

Parsed<void> parse_column_names(TokenCursor& cursor, ast::InsertValues& insert) {
  TRY(cursor.expect_symbol("("));
  do {
    if (insert.columns.size() > kColumnsMax) {
      return too_much(cursor.peek().span,
                      fmt::format("A stream has at most {} columns.", kColumnsMax));
    }
    insert.columns.push_back(TRY(cursor.expect_name("a column name")));
  } while (cursor.accept_symbol(","));
  if (!cursor.accept_symbol(")")) return cursor.unexpected("',' or ')'");
  return {};
}

Parsed<void> parse_values(TokenCursor& cursor, ast::InsertValues& insert) {
  const std::uint32_t begin = cursor.position();
  TRY(cursor.expect_symbol("("));
  do {
    if (insert.values.size() > kColumnsMax) {
      return too_much(cursor.peek().span, fmt::format("A row has at most {} values.", kColumnsMax));
    }
    insert.values.push_back(TRY(parse_expression(cursor)));
  } while (cursor.accept_symbol(","));
  if (!cursor.accept_symbol(")")) return cursor.unexpected("',' or ')'");
  insert.values_span = cursor.span_since(begin);
  if (cursor.at_symbol(",")) {
    return not_yet(cursor.peek().span, "Several rows in one INSERT are not supported yet.");
  }
  return {};
}

}  // namespace

Parsed<ast::Statement> parse_insert(TokenCursor& cursor) {
  cursor.take();
  TRY(cursor.expect_word("INTO"));
  ast::Identifier target = TRY(cursor.expect_name("a stream or table name"));
  if (cursor.at_word("WITH") || cursor.at_word("SELECT")) {
    ast::InsertSelect insert{.target = std::move(target), .properties = {}, .query = {}};
    if (cursor.accept_word("WITH")) insert.properties = TRY(parse_properties(cursor));
    insert.query = TRY(parse_query(cursor));
    return ast::Statement{std::move(insert)};
  }
  ast::InsertValues insert{
      .target = std::move(target), .columns = {}, .values = {}, .values_span = {}};
  if (cursor.at_symbol("(")) TRY(parse_column_names(cursor, insert));
  if (!cursor.accept_word("VALUES")) {
    if (insert.columns.empty())
      return cursor.unexpected("'(', VALUES, WITH or SELECT", {"VALUES", "WITH", "SELECT"});
    return cursor.unexpected("VALUES", {"VALUES"});
  }
  TRY(parse_values(cursor, insert));
  return ast::Statement{std::move(insert)};
}

}  // namespace penstock::sql
