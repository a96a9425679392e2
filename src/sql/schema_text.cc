#include "sql/schema_text.h"

#include <fmt/format.h>

#include "sql/bind_type.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

Parsed<data::Schema> schema_of(std::string_view text) {
  const std::vector<Token> tokens = TRY(tokenize(text));
  TokenCursor cursor(text, tokens);
  data::Schema schema;
  if (cursor.at_end()) return schema;
  do {
    data::ColumnSchema column{.name = TRY(cursor.expect_name("a column name")).text, .type = {}};
    column.type = TRY(bind_type(TRY(parse_type(cursor)), nullptr));
    cursor.accept_word("PRIMARY");
    if (cursor.accept_word("HEADERS")) column.role = data::ColumnRole::header;
    if (cursor.accept_word("KEY")) column.role = data::ColumnRole::key;
    schema.columns.push_back(std::move(column));
  } while (cursor.accept_symbol(","));
  if (!cursor.at_end()) return cursor.unexpected("',' or the end");
  return schema;
}

}  // namespace

Result<data::Schema> parse_schema(std::string_view text) {
  auto schema = schema_of(text);
  if (!schema) return fail(schema.error().code, render(schema.error(), text, 1));
  return *std::move(schema);
}

}  // namespace penstock::sql
