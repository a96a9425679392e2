// [INNER | LEFT | RIGHT | FULL [OUTER]] JOIN source [WITHIN d | (d, d) [GRACE PERIOD d]] ON expr
#include <fmt/format.h>

#include "sql/parser.h"

namespace penstock::sql {
namespace {

Parsed<JoinKind> parse_join_kind(TokenCursor& cursor) {
  JoinKind kind = JoinKind::inner;
  if (cursor.at_word("CROSS")) return problem(cursor.peek().span, "CROSS JOIN is not supported.");
  if (cursor.accept_word("INNER")) {
    TRY(cursor.expect_word("JOIN"));
    return kind;
  }
  if (cursor.accept_word("LEFT")) {
    kind = JoinKind::left;
  } else if (cursor.accept_word("RIGHT")) {
    kind = JoinKind::right;
  } else if (cursor.accept_word("FULL")) {
    kind = JoinKind::full;
  }
  if (kind != JoinKind::inner) cursor.accept_word("OUTER");
  TRY(cursor.expect_word("JOIN"));
  return kind;
}

Parsed<void> parse_within(TokenCursor& cursor, ast::Join& join) {
  const std::uint32_t begin = cursor.position();
  if (cursor.accept_word("WITHIN")) {
    if (cursor.accept_symbol("(")) {
      join.before_ms = TRY(parse_duration(cursor));
      TRY(cursor.expect_symbol(","));
      join.after_ms = TRY(parse_duration(cursor));
      TRY(cursor.expect_symbol(")"));
    } else {
      join.before_ms = join.after_ms = TRY(parse_duration(cursor));
    }
    if (cursor.accept_words("GRACE", "PERIOD")) join.grace_ms = TRY(parse_duration(cursor));
    join.within_span = cursor.span_since(begin);
  }
  return {};
}

}  // namespace

bool at_join(const TokenCursor& cursor) {
  return cursor.at_word("JOIN") || cursor.at_word("INNER") || cursor.at_word("LEFT") ||
         cursor.at_word("RIGHT") || cursor.at_word("FULL") || cursor.at_words("CROSS", "JOIN");
}

Parsed<ast::Join> parse_join(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  ast::Join join;
  join.kind = TRY(parse_join_kind(cursor));
  join.source = TRY(parse_source(cursor));
  TRY(parse_within(cursor, join));
  if (!cursor.accept_word("ON")) return cursor.unexpected("WITHIN or ON", {"WITHIN", "ON"});
  join.on = TRY(parse_expression(cursor));
  join.span = cursor.span_since(begin);
  return join;
}

}  // namespace penstock::sql
