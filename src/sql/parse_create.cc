// CREATE and DROP.
#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

Parsed<SourceKind> parse_kind(TokenCursor& cursor) {
  if (cursor.at_word("FUNCTION"))
    return not_yet(cursor.peek().span, "Functions in statements are not supported yet.");
  if (cursor.accept_word("STREAM")) return SourceKind::stream;
  if (cursor.accept_word("TABLE")) return SourceKind::table;
  return cursor.unexpected("STREAM or TABLE", {"STREAM", "TABLE", "TYPE", "CONNECTOR"});
}

Parsed<void> parse_definition(TokenCursor& cursor, ast::CreateSource& create) {
  if (cursor.at_symbol("(")) {
    const std::uint32_t begin = cursor.position();
    create.columns = TRY(parse_columns(cursor));
    create.has_list = true;
    create.list_span = cursor.span_since(begin);
  }
  if (cursor.accept_word("WITH")) create.properties = TRY(parse_properties(cursor));
  const SourceSpan as = cursor.peek().span;
  if (!cursor.accept_word("AS")) return {};
  if (!create.columns.empty()) {
    return problem(as,
                   fmt::format("A {} made AS SELECT takes its columns from the query: leave the "
                               "list out.",
                               create.kind == SourceKind::stream ? "stream" : "table"));
  }
  if (create.read_only)
    return problem(as, "CREATE SOURCE describes a topic that is there: it has no AS SELECT.");
  create.query = TRY(parse_query(cursor));
  return {};
}

Parsed<ast::Statement> parse_create_source(TokenCursor& cursor, ast::CreateSource create) {
  create.kind = TRY(parse_kind(cursor));
  if (cursor.accept_word("IF")) {
    TRY(cursor.expect_words({"NOT", "EXISTS"}));
    create.if_not_exists = true;
  }
  create.name = TRY(cursor.expect_name("a stream or table name"));
  TRY(parse_definition(cursor, create));
  if (!cursor.at_end()) {
    if (create.properties.empty())
      return cursor.unexpected("'(', WITH, AS or the end of the statement", {"WITH", "AS"});
    return cursor.unexpected("AS or the end of the statement", {"AS"});
  }
  return ast::Statement{std::move(create)};
}

}  // namespace

Parsed<ast::Statement> parse_create(TokenCursor& cursor) {
  cursor.take();
  ast::CreateSource create;
  create.or_replace = cursor.accept_words("OR", "REPLACE");
  if (!create.or_replace && cursor.at_word("TYPE")) return parse_create_type(cursor);
  const bool source = cursor.at_word("SOURCE");
  if (source || cursor.at_word("SINK")) {
    const std::string kind = cursor.take().text;
    if (cursor.at_word("CONNECTOR")) return parse_create_connector(cursor, kind);
    if (!source) return cursor.unexpected("CONNECTOR", {"CONNECTOR"});
    create.read_only = true;
  }
  return parse_create_source(cursor, std::move(create));
}

Parsed<ast::Statement> parse_drop(TokenCursor& cursor) {
  cursor.take();
  if (cursor.at_word("TYPE")) return parse_drop_type(cursor);
  if (cursor.at_word("CONNECTOR")) return parse_drop_connector(cursor);
  ast::DropSource drop;
  drop.kind = TRY(parse_kind(cursor));
  if (cursor.accept_word("IF")) {
    TRY(cursor.expect_word("EXISTS"));
    drop.if_exists = true;
  }
  drop.name = TRY(cursor.expect_name("a stream or table name"));
  if (cursor.accept_word("DELETE")) {
    TRY(cursor.expect_word("TOPIC"));
    drop.delete_topic = true;
  }
  return ast::Statement{std::move(drop)};
}

}  // namespace penstock::sql
