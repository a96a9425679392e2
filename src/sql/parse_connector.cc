// CREATE SOURCE | SINK CONNECTOR [IF NOT EXISTS] name WITH (...); DROP CONNECTOR [IF EXISTS] name.
#include <fmt/format.h>

#include "sql/parser.h"

namespace penstock::sql {

Parsed<ast::Statement> parse_create_connector(TokenCursor& cursor, std::string_view kind) {
  cursor.take();
  ast::CreateConnector create;
  create.source = kind == "SOURCE";
  if (cursor.accept_word("IF")) {
    TRY(cursor.expect_words({"NOT", "EXISTS"}));
    create.if_not_exists = true;
  }
  create.name = TRY(cursor.expect_name("a connector's name"));
  TRY(cursor.expect_word("WITH"));
  create.properties = TRY(parse_properties(cursor));
  return ast::Statement{std::move(create)};
}

Parsed<ast::Statement> parse_drop_connector(TokenCursor& cursor) {
  cursor.take();
  DropConnector drop;
  if (cursor.accept_word("IF")) {
    TRY(cursor.expect_word("EXISTS"));
    drop.if_exists = true;
  }
  drop.name = TRY(cursor.expect_name("a connector's name")).text;
  return ast::Statement{std::move(drop)};
}

}  // namespace penstock::sql
