// SELECT and the WITH (...) lists.
#include <array>

#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/nearest.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

struct LaterClause {
  std::string_view first;
  std::string_view second;  // empty: one word
  std::string_view shown;
};
// What ksqlDB or its users write behind FROM and we do not execute yet.
constexpr std::array<LaterClause, 13> kLaterClauses = {{
    {"JOIN", "", "JOIN"},
    {"INNER", "JOIN", "INNER JOIN"},
    {"LEFT", "", "LEFT JOIN"},
    {"RIGHT", "", "RIGHT JOIN"},
    {"FULL", "", "FULL JOIN"},
    {"CROSS", "", "CROSS JOIN"},
    {"WINDOW", "", "WINDOW"},
    {"GROUP", "BY", "GROUP BY"},
    {"HAVING", "", "HAVING"},
    {"ORDER", "BY", "ORDER BY"},
    {"UNION", "", "UNION"},
    {"OFFSET", "", "OFFSET"},
    {"EMIT", "FINAL", "EMIT FINAL"},
}};
constexpr std::array<std::string_view, 12> kClauseWords = {"WHERE", "PARTITION", "EMIT",   "LIMIT",
                                                           "GROUP", "HAVING",    "WINDOW", "JOIN",
                                                           "LEFT",  "INNER",     "RIGHT",  "FULL"};

Parsed<void> refuse_later_clauses(const TokenCursor& cursor) {
  for (const LaterClause& clause : kLaterClauses) {
    const bool here = clause.second.empty() ? cursor.at_word(clause.first)
                                            : cursor.at_words(clause.first, clause.second);
    if (here)
      return not_yet(cursor.peek().span, fmt::format("{} is not supported yet.", clause.shown));
  }
  if (cursor.at_symbol(",")) {
    return not_yet(cursor.peek().span, "Reading several sources is not supported yet.");
  }
  return {};
}

// A word behind a source or expression that starts a clause and so cannot be an alias.
bool starts_clause(const TokenCursor& cursor) {
  if (cursor.peek().kind != TokenKind::word) return false;
  if (is_reserved(cursor.peek().text)) return true;
  return cursor.at_words("PARTITION", "BY") || cursor.at_word("WINDOW") || cursor.at_word("OFFSET");
}

Parsed<std::optional<ast::Identifier>> parse_alias(TokenCursor& cursor) {
  if (cursor.accept_word("AS")) return TRY(cursor.expect_name("an alias"));
  const Token& token = cursor.peek();
  const bool name = token.kind == TokenKind::identifier || token.kind == TokenKind::word;
  if (!name || starts_clause(cursor)) return std::nullopt;
  return TRY(cursor.expect_name("an alias"));
}

Parsed<ast::SelectItem> parse_item(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  ast::SelectItem item;
  const TokenKind kind = cursor.peek().kind;
  const bool name = kind == TokenKind::word || kind == TokenKind::identifier;
  if (cursor.accept_symbol("*")) {
    item.span = cursor.span_since(begin);
    return item;
  }
  if (name && cursor.at_symbol(".", 1) && cursor.at_symbol("*", 2)) {
    item.star_source = TRY(cursor.expect_name("a source"));
    cursor.take();
    cursor.take();
    item.span = cursor.span_since(begin);
    return item;
  }
  item.expression = TRY(parse_expression(cursor));
  item.alias = TRY(parse_alias(cursor));
  item.span = cursor.span_since(begin);
  return item;
}

Parsed<void> parse_items(TokenCursor& cursor, ast::Query& query) {
  if (cursor.at_word("DISTINCT")) {
    return not_yet(cursor.peek().span, "SELECT DISTINCT is not supported yet.");
  }
  do {
    if (query.items.size() == kColumnsMax) {
      return too_much(cursor.peek().span,
                      fmt::format("A SELECT has at most {} items.", kColumnsMax));
    }
    if (cursor.at_word("FROM")) return cursor.unexpected("an expression");
    query.items.push_back(TRY(parse_item(cursor)));
  } while (cursor.accept_symbol(","));
  return {};
}

Parsed<void> parse_partition_by(TokenCursor& cursor, ast::Query& query) {
  const std::uint32_t begin = cursor.position();
  if (!cursor.accept_words("PARTITION", "BY")) return {};
  query.partition_by_span = cursor.span_since(begin);
  do {
    if (query.partition_by.size() == kArgsMax) {
      return too_much(cursor.peek().span,
                      fmt::format("PARTITION BY takes at most {} expressions.", kArgsMax));
    }
    query.partition_by.push_back(TRY(parse_expression(cursor)));
  } while (cursor.accept_symbol(","));
  return {};
}

Parsed<void> parse_tail(TokenCursor& cursor, ast::Query& query) {
  TRY(refuse_later_clauses(cursor));
  if (cursor.at_word("EMIT")) {
    cursor.take();
    TRY(cursor.expect_word("CHANGES"));
    query.emit_changes = true;
  }
  const std::uint32_t begin = cursor.position();
  if (cursor.accept_word("LIMIT")) {
    query.limit = TRY(cursor.expect_count("a number of rows"));
    query.limit_span = cursor.span_since(begin);
  }
  return {};
}

// Behind a whole query; explains a clause's keyword that was taken for the source's alias, and
// clauses in the wrong order.
Parsed<void> check_end(const TokenCursor& cursor, const ast::Query& query) {
  TRY(refuse_later_clauses(cursor));
  if (cursor.at_end()) return {};
  if (query.alias && query.alias->quote == 0) {
    const std::string& alias = query.alias->text;
    if (alias == "PARTITION")
      return problem(query.alias->span, "PARTITION stands with BY: PARTITION BY ...");
    const std::string hint = did_you_mean(alias, std::span<const std::string_view>(kClauseWords));
    if (!hint.empty())
      return problem(query.alias->span, fmt::format("'{}' is not a clause.{}", alias, hint));
  }
  for (const std::string_view word : {"WHERE", "PARTITION", "EMIT", "LIMIT"}) {
    if (!cursor.at_word(word)) continue;
    return problem(cursor.peek().span,
                   fmt::format("{} cannot stand here; the order is WHERE, PARTITION BY, EMIT "
                               "CHANGES, LIMIT, each at most once.",
                               word));
  }
  return cursor.unexpected("WHERE, PARTITION BY, EMIT CHANGES, LIMIT or the end of the statement",
                           {"WHERE", "PARTITION", "EMIT", "LIMIT"});
}

}  // namespace

Parsed<ast::Query> parse_query(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  if (cursor.at_word("WITH"))
    return not_yet(cursor.peek().span, "WITH (common table expressions) is not supported yet.");
  TRY(cursor.expect_word("SELECT"));
  ast::Query query;
  TRY(parse_items(cursor, query));
  if (!cursor.accept_word("FROM")) return cursor.unexpected("',' or FROM", {"FROM"});
  if (cursor.at_symbol("("))
    return not_yet(cursor.peek().span, "Sub-queries are not supported yet.");
  query.source = TRY(cursor.expect_name("a stream name"));
  query.alias = TRY(parse_alias(cursor));
  TRY(refuse_later_clauses(cursor));
  if (cursor.accept_word("WHERE")) query.where = TRY(parse_expression(cursor));
  TRY(refuse_later_clauses(cursor));
  TRY(parse_partition_by(cursor, query));
  TRY(parse_tail(cursor, query));
  TRY(check_end(cursor, query));
  query.span = cursor.span_since(begin);
  return query;
}

Parsed<ast::Properties> parse_properties(TokenCursor& cursor) {
  ast::Properties properties;
  TRY(cursor.expect_symbol("("));
  if (cursor.accept_symbol(")")) return properties;
  do {
    if (properties.size() == kArgsMax) {
      return too_much(cursor.peek().span,
                      fmt::format("WITH takes at most {} properties.", kArgsMax));
    }
    ast::Property property;
    if (cursor.peek().kind == TokenKind::string) {
      const Token& token = cursor.take();
      property.name = {token.text, token.span, token.quote};
    } else {
      property.name = TRY(cursor.expect_name("a property name"));
    }
    for (char& c : property.name.text) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    TRY(cursor.expect_symbol("="));
    const std::uint32_t begin = cursor.position();
    const bool negative = cursor.accept_symbol("-");
    const Token& value = cursor.peek();
    const bool name = value.kind == TokenKind::word || value.kind == TokenKind::identifier;
    if (name && !cursor.at_word("TRUE") && !cursor.at_word("FALSE") && !cursor.at_word("NULL")) {
      return problem(
          value.span,
          fmt::format("The value of {} is a string: put it in single quotes.", property.name.text));
    }
    property.value = TRY(parse_literal(cursor, negative));
    property.value_span = cursor.span_since(begin);
    properties.push_back(std::move(property));
  } while (cursor.accept_symbol(","));
  if (!cursor.accept_symbol(")")) return cursor.unexpected("',' or ')'");
  return properties;
}

}  // namespace penstock::sql
