// Column definitions: name type [KEY | PRIMARY KEY | HEADERS | HEADER('name')].
#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

using Constraint = ast::ColumnDefinition::Constraint;

Parsed<void> parse_constraint(TokenCursor& cursor, ast::ColumnDefinition& column) {
  if (cursor.at_word("SENSITIVE"))
    return not_yet(cursor.peek().span, "SENSITIVE labels are not supported yet.");
  if (cursor.accept_words("PRIMARY", "KEY")) {
    column.constraint = Constraint::primary_key;
  } else if (cursor.accept_word("KEY")) {
    column.constraint = Constraint::key;
  } else if (cursor.accept_word("HEADERS")) {
    column.constraint = Constraint::headers;
  } else if (cursor.accept_word("HEADER")) {
    TRY(cursor.expect_symbol("("));
    column.header = TRY(cursor.expect_string("a header's name in single quotes"));
    TRY(cursor.expect_symbol(")"));
    column.constraint = Constraint::header;
  }
  return {};
}

}  // namespace

Parsed<ast::ColumnDefinition> parse_column(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  ast::ColumnDefinition column;
  column.name = TRY(cursor.expect_name("a column name"));
  column.type = TRY(parse_type(cursor));
  TRY(parse_constraint(cursor, column));
  column.span = cursor.span_since(begin);
  return column;
}

Parsed<std::vector<ast::ColumnDefinition>> parse_columns(TokenCursor& cursor) {
  std::vector<ast::ColumnDefinition> columns;
  TRY(cursor.expect_symbol("("));
  if (cursor.accept_symbol(")")) return columns;
  do {
    if (columns.size() == kColumnsMax) {
      return too_much(cursor.peek().span,
                      fmt::format("A stream or table has at most {} columns.", kColumnsMax));
    }
    columns.push_back(TRY(parse_column(cursor)));
  } while (cursor.accept_symbol(","));
  if (!cursor.accept_symbol(")")) return cursor.unexpected("KEY, ',' or ')'", {"KEY", "PRIMARY"});
  return columns;
}

}  // namespace penstock::sql
