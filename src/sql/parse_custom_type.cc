// CREATE TYPE [IF NOT EXISTS] name AS type; DROP TYPE [IF EXISTS] name.
#include "sql/parser.h"

namespace penstock::sql {

Parsed<ast::Statement> parse_create_type(TokenCursor& cursor) {
  cursor.take();
  ast::CreateType create;
  if (cursor.accept_word("IF")) {
    TRY(cursor.expect_words({"NOT", "EXISTS"}));
    create.if_not_exists = true;
  }
  create.name = TRY(cursor.expect_name("a type's name"));
  TRY(cursor.expect_word("AS"));
  create.type = TRY(parse_type(cursor));
  return ast::Statement{std::move(create)};
}

Parsed<ast::Statement> parse_drop_type(TokenCursor& cursor) {
  cursor.take();
  DropType drop;
  if (cursor.accept_word("IF")) {
    TRY(cursor.expect_word("EXISTS"));
    drop.if_exists = true;
  }
  drop.name = TRY(cursor.expect_name("a type's name")).text;
  return ast::Statement{std::move(drop)};
}

}  // namespace penstock::sql
