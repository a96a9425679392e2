#include "sql/schema_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "sql/bind_type.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

Parsed<ColumnList> columns_of(std::string_view text) {
  const std::vector<Token> tokens = TRY(tokenize(text));
  TokenCursor cursor(text, tokens);
  ColumnList list;
  if (cursor.at_end()) return list;
  do {
    data::ColumnSchema column{.name = TRY(cursor.expect_name("a column name")).text, .type = {}};
    column.type = TRY(bind_type(TRY(parse_type(cursor)), nullptr));
    HeaderColumn header{.column = list.schema.columns.size(), .key = std::nullopt};
    cursor.accept_word("PRIMARY");
    if (cursor.accept_word("KEY")) column.role = data::ColumnRole::key;
    if (cursor.accept_word("HEADERS")) column.role = data::ColumnRole::header;
    if (cursor.accept_word("HEADER")) {
      column.role = data::ColumnRole::header;
      TRY(cursor.expect_symbol("("));
      header.key = TRY(cursor.expect_string("a header's name"));
      TRY(cursor.expect_symbol(")"));
    }
    if (column.role == data::ColumnRole::header) list.headers.push_back(std::move(header));
    list.schema.columns.push_back(std::move(column));
  } while (cursor.accept_symbol(","));
  if (!cursor.at_end()) return cursor.unexpected("',' or the end");
  return list;
}

}  // namespace

Result<ColumnList> parse_columns(std::string_view text) {
  auto list = columns_of(text);
  if (!list) return fail(list.error().code, render(list.error(), text, 1));
  return *std::move(list);
}

std::string columns_text(const SourceInfo& source) {
  std::string out;
  for (std::size_t i = 0; i < source.schema.columns.size(); ++i) {
    data::Schema one;
    one.columns.push_back(source.schema.columns[i]);
    const auto header = std::ranges::find(source.header_columns, i, &HeaderColumn::column);
    const bool named = header != source.header_columns.end() && header->key;
    if (named) one.columns[0].role = data::ColumnRole::value;
    if (!out.empty()) out += ", ";
    out += one.text();
    if (named) out += fmt::format(" HEADER('{}')", *header->key);
  }
  return out;
}

}  // namespace penstock::sql
