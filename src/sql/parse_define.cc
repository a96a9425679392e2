// DEFINE name = 'value'; UNDEFINE name.
#include "sql/parser.h"

namespace penstock::sql {

Parsed<ast::Statement> parse_define(TokenCursor& cursor) {
  const bool define = cursor.take().text == "DEFINE";
  DefineVariable variable;
  variable.name = TRY(cursor.expect_name("a variable's name")).text;
  if (define) {
    TRY(cursor.expect_symbol("="));
    variable.value = TRY(cursor.expect_string("a value in single quotes"));
  }
  return ast::Statement{std::move(variable)};
}

}  // namespace penstock::sql
