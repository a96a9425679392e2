// CREATE and DROP.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

struct Refusal {
  std::string_view word;
  std::string_view text;
};
constexpr std::array<Refusal, 6> kLaterThings = {{
    {"TABLE", "tables"},
    {"SOURCE", "source streams, source tables and connectors"},
    {"SINK", "sink connectors"},
    {"TYPE", "named types"},
    {"CONNECTOR", "connectors"},
    {"FUNCTION", "functions in statements"},
}};

Parsed<void> expect_stream(TokenCursor& cursor, std::string_view verb) {
  for (const Refusal& refusal : kLaterThings) {
    if (cursor.at_word(refusal.word)) {
      return not_yet(cursor.peek().span, fmt::format("{} {} is not supported yet: there are no {}.",
                                                     verb, refusal.word, refusal.text));
    }
  }
  if (cursor.accept_word("STREAM")) return {};
  return cursor.unexpected("STREAM", {"STREAM", "TABLE"});
}

Parsed<ast::ColumnDefinition> parse_column(TokenCursor& cursor) {
  ast::ColumnDefinition column;
  column.name = TRY(cursor.expect_name("a column name"));
  const std::uint32_t begin = cursor.position();
  column.type = TRY(parse_type(cursor));
  column.type_span = cursor.span_since(begin);
  const SourceSpan span = cursor.peek().span;
  if (cursor.at_words("PRIMARY", "KEY")) {
    return problem(
        span,
        fmt::format("Column {} is a 'PRIMARY KEY' column: streams only support 'KEY' columns.",
                    column.name.text));
  }
  if (cursor.at_word("HEADERS") || cursor.at_word("HEADER")) {
    return not_yet(span, "HEADERS columns are not supported yet.");
  }
  if (cursor.at_word("SENSITIVE")) return not_yet(span, "SENSITIVE labels are not supported yet.");
  column.key = cursor.accept_word("KEY");
  return column;
}

Parsed<void> parse_columns(TokenCursor& cursor, ast::CreateStream& create) {
  if (!cursor.accept_symbol("(")) return {};
  if (cursor.accept_symbol(")")) return {};
  do {
    if (create.columns.size() == kColumnsMax) {
      return too_much(cursor.peek().span,
                      fmt::format("A stream has at most {} columns.", kColumnsMax));
    }
    create.columns.push_back(TRY(parse_column(cursor)));
  } while (cursor.accept_symbol(","));
  if (!cursor.accept_symbol(")")) return cursor.unexpected("KEY, ',' or ')'", {"KEY"});
  return {};
}

Parsed<void> parse_definition(TokenCursor& cursor, ast::CreateStream& create) {
  TRY(parse_columns(cursor, create));
  if (cursor.accept_word("WITH")) create.properties = TRY(parse_properties(cursor));
  const SourceSpan as = cursor.peek().span;
  if (cursor.accept_word("AS")) {
    if (!create.columns.empty()) {
      return problem(
          as, "A stream made AS SELECT takes its columns from the query: leave the list out.");
    }
    create.query = TRY(parse_query(cursor));
  }
  return {};
}

}  // namespace

Parsed<ast::Statement> parse_create(TokenCursor& cursor) {
  cursor.take();
  ast::CreateStream create;
  create.or_replace = cursor.accept_words("OR", "REPLACE");
  TRY(expect_stream(cursor, "CREATE"));
  if (cursor.accept_word("IF")) {
    TRY(cursor.expect_words({"NOT", "EXISTS"}));
    create.if_not_exists = true;
  }
  create.name = TRY(cursor.expect_name("a stream name"));
  TRY(parse_definition(cursor, create));
  if (!cursor.at_end()) {
    if (create.properties.empty())
      return cursor.unexpected("'(', WITH, AS or the end of the statement", {"WITH", "AS"});
    return cursor.unexpected("AS or the end of the statement", {"AS"});
  }
  return ast::Statement{std::move(create)};
}

Parsed<ast::Statement> parse_drop(TokenCursor& cursor) {
  cursor.take();
  ast::DropStream drop;
  TRY(expect_stream(cursor, "DROP"));
  if (cursor.accept_word("IF")) {
    TRY(cursor.expect_word("EXISTS"));
    drop.if_exists = true;
  }
  drop.name = TRY(cursor.expect_name("a stream name"));
  if (cursor.accept_word("DELETE")) {
    TRY(cursor.expect_word("TOPIC"));
    drop.delete_topic = true;
  }
  return ast::Statement{std::move(drop)};
}

}  // namespace penstock::sql
