// CREATE SOURCE | SINK CONNECTOR [IF NOT EXISTS] name WITH (...); DROP CONNECTOR [IF EXISTS] name.
// They are read whole, so that a mistake in one is found, and answered with "not yet".
#include <fmt/format.h>

#include "sql/parser.h"

namespace penstock::sql {

Parsed<ast::Statement> parse_create_connector(TokenCursor& cursor, std::string kind) {
  cursor.take();
  if (cursor.accept_word("IF")) TRY(cursor.expect_words({"NOT", "EXISTS"}));
  TRY(cursor.expect_name("a connector's name"));
  TRY(cursor.expect_word("WITH"));
  TRY(parse_properties(cursor));
  return ast::Statement{NotYet{fmt::format("CREATE {} CONNECTOR", kind)}};
}

Parsed<ast::Statement> parse_drop_connector(TokenCursor& cursor) {
  cursor.take();
  if (cursor.accept_word("IF")) TRY(cursor.expect_word("EXISTS"));
  TRY(cursor.expect_name("a connector's name"));
  return ast::Statement{NotYet{"DROP CONNECTOR"}};
}

}  // namespace penstock::sql
