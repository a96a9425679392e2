// Statements that look at or steer the server: EXPLAIN, TERMINATE, PAUSE, RESUME, SET, PRINT.
#include "sql/parser.h"

namespace penstock::sql {
namespace {

bool at_name(const TokenCursor& cursor) {
  const TokenKind kind = cursor.peek().kind;
  return kind == TokenKind::word || kind == TokenKind::identifier;
}

bool starts_statement(const TokenCursor& cursor) {
  return cursor.at_word("SELECT") || cursor.at_word("CREATE") || cursor.at_word("INSERT");
}

}  // namespace

Parsed<ast::Statement> parse_explain(TokenCursor& cursor) {
  cursor.take();
  if (cursor.at_words("LEAKAGE", "SELECT") || cursor.at_words("LEAKAGE", "CREATE")) {
    return not_yet(cursor.peek().span, "EXPLAIN LEAKAGE is not supported yet.");
  }
  cursor.accept_word("ANALYZE");
  ast::Explain explain;
  if (!starts_statement(cursor)) {
    explain.query_id = TRY(cursor.expect_name("a query id or a statement"));
    return ast::Statement{std::move(explain)};
  }
  const std::uint32_t begin = cursor.position();
  explain.statement = std::make_unique<ast::Statement>(TRY(parse_any_statement(cursor, {})));
  explain.statement_span = cursor.span_since(begin);
  return ast::Statement{std::move(explain)};
}

Parsed<ast::Statement> parse_terminate(TokenCursor& cursor) {
  cursor.take();
  cursor.accept_word("QUERY");
  if (cursor.accept_word("ALL")) return ast::Statement{TerminateStatement{}};
  const ast::Identifier id = TRY(cursor.expect_name("a query id or ALL"));
  return ast::Statement{TerminateStatement{id.text}};
}

Parsed<ast::Statement> parse_pause(TokenCursor& cursor) {
  PauseStatement out;
  out.pause = cursor.take().text == "PAUSE";
  if (cursor.accept_word("ALL")) return ast::Statement{std::move(out)};
  const bool connector = cursor.at_word("CONNECTOR") && cursor.peek(1).kind != TokenKind::end;
  if (connector && !cursor.at_symbol(";", 1)) {
    cursor.take();
    return ast::Statement{
        PauseConnector{TRY(cursor.expect_name("a connector's name")).text, out.pause}};
  }
  out.query_id = TRY(cursor.expect_name("a query id or ALL")).text;
  return ast::Statement{std::move(out)};
}

Parsed<ast::Statement> parse_set(TokenCursor& cursor) {
  const bool set = cursor.take().text == "SET";
  SetProperty property;
  property.name = TRY(cursor.expect_string("a property name in single quotes"));
  if (set) {
    TRY(cursor.expect_symbol("="));
    property.value = TRY(cursor.expect_string("a value in single quotes"));
  }
  return ast::Statement{std::move(property)};
}

// Topic names keep their case, quoted or not.
Parsed<ast::Statement> parse_print(TokenCursor& cursor) {
  cursor.take();
  PrintTopic print;
  const Token& token = cursor.peek();
  if (token.kind == TokenKind::string || token.kind == TokenKind::identifier) {
    print.topic = cursor.take().text;
  } else if (at_name(cursor)) {
    print.topic = text_of(cursor.take().span, cursor.text());
  } else {
    return cursor.unexpected("a topic name");
  }
  if (cursor.at_symbol("-") || cursor.at_symbol(".")) {
    return problem(cursor.peek().span, "Put a topic name with '-' or '.' in single quotes.");
  }
  if (cursor.accept_word("FROM")) {
    TRY(cursor.expect_word("BEGINNING"));
    print.from_beginning = true;
  }
  if (cursor.accept_word("INTERVAL") || cursor.accept_word("SAMPLE"))
    print.interval = TRY(cursor.expect_count("a number of records"));
  if (cursor.accept_word("LIMIT")) print.limit = TRY(cursor.expect_count("a number of records"));
  return ast::Statement{std::move(print)};
}

}  // namespace penstock::sql
