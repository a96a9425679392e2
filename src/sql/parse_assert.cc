// ASSERT [NOT EXISTS] TOPIC name [WITH (...)] [TIMEOUT d]; ASSERT [NOT EXISTS] SCHEMA ...
#include "sql/parser.h"

namespace penstock::sql {
namespace {

// ASSERT SCHEMA needs a schema registry: it is read whole and answered with "not yet".
Parsed<ast::Statement> parse_schema(TokenCursor& cursor) {
  bool named = false;
  if (cursor.accept_word("SUBJECT")) {
    if (cursor.peek().kind == TokenKind::string) {
      cursor.take();
    } else {
      TRY(cursor.expect_name("a subject"));
    }
    named = true;
  }
  if (cursor.accept_word("ID")) {
    TRY(cursor.expect_count("a schema's id"));
    named = true;
  }
  if (!named) return cursor.unexpected("SUBJECT or ID", {"SUBJECT", "ID"});
  if (cursor.accept_word("TIMEOUT")) TRY(parse_duration(cursor));
  return ast::Statement{NotYet{"ASSERT SCHEMA (it needs a schema registry)"}};
}

}  // namespace

Parsed<ast::Statement> parse_assert(TokenCursor& cursor) {
  cursor.take();
  ast::AssertTopic assertion;
  if (cursor.accept_word("NOT")) {
    TRY(cursor.expect_word("EXISTS"));
    assertion.exists = false;
  }
  if (cursor.accept_word("SCHEMA")) return parse_schema(cursor);
  if (!cursor.accept_word("TOPIC"))
    return cursor.unexpected("TOPIC or SCHEMA", {"TOPIC", "SCHEMA"});
  const Token& token = cursor.peek();
  assertion.topic_span = token.span;
  if (token.kind == TokenKind::string || token.kind == TokenKind::identifier) {
    assertion.topic = cursor.take().text;
  } else {
    TRY(cursor.expect_name("a topic name"));
    assertion.topic = text_of(assertion.topic_span, cursor.text());
  }
  if (cursor.accept_word("WITH")) assertion.properties = TRY(parse_properties(cursor));
  if (cursor.accept_word("TIMEOUT")) assertion.timeout_ms = TRY(parse_duration(cursor));
  return ast::Statement{std::move(assertion)};
}

}  // namespace penstock::sql
