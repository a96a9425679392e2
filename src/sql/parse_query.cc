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
};
// What users of other dialects write and this one has not.
constexpr std::array<LaterClause, 3> kLaterClauses = {
    {{"ORDER", "BY"}, {"UNION", ""}, {"OFFSET", ""}}};
constexpr std::array<std::string_view, 12> kClauseWords = {"WHERE", "PARTITION", "EMIT",   "LIMIT",
                                                           "GROUP", "HAVING",    "WINDOW", "JOIN",
                                                           "LEFT",  "INNER",     "RIGHT",  "FULL"};
constexpr std::string_view kOrder =
    "WINDOW, WHERE, GROUP BY, PARTITION BY, HAVING, EMIT CHANGES, LIMIT";

Parsed<void> refuse_later_clauses(const TokenCursor& cursor) {
  for (const LaterClause& clause : kLaterClauses) {
    const bool here = clause.second.empty() ? cursor.at_word(clause.first)
                                            : cursor.at_words(clause.first, clause.second);
    if (here)
      return not_yet(cursor.peek().span,
                     fmt::format("{}{}{} is not supported yet.", clause.first,
                                 clause.second.empty() ? "" : " ", clause.second));
  }
  if (cursor.at_symbol(",")) {
    return problem(cursor.peek().span, "Several sources are joined by JOIN ... ON, not by commas.");
  }
  return {};
}

// A word behind a source or expression that starts a clause and so cannot be an alias.
bool starts_clause(const TokenCursor& cursor) {
  if (cursor.peek().kind != TokenKind::word) return false;
  if (is_reserved(cursor.peek().text)) return true;
  return cursor.at_words("PARTITION", "BY") || cursor.at_word("WINDOW") ||
         (cursor.at_word("EMIT") && cursor.peek(1).kind == TokenKind::word) ||
         cursor.at_word("OFFSET") || cursor.at_word("WITHIN") || cursor.at_words("ORDER", "BY") ||
         cursor.at_words("UNION", "SELECT") || cursor.at_words("UNION", "ALL") ||
         cursor.at_words("CROSS", "JOIN") ||
         (cursor.at_word("GRACE") && cursor.at_word("PERIOD", 1));
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
  if (cursor.at_symbol("->") && cursor.at_symbol("*", 1)) {
    cursor.take();
    cursor.take();
    item.struct_star = true;
    item.span = cursor.span_since(begin);
    return item;
  }
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

// Expressions, in parentheses or not: "a, b", "(a, b)", "()".
Parsed<std::vector<ast::ExpressionPtr>> parse_by(TokenCursor& cursor, std::string_view clause) {
  std::vector<ast::ExpressionPtr> list;
  if (cursor.at_symbol("(") && cursor.at_symbol(")", 1)) {
    cursor.take();
    cursor.take();
    return list;
  }
  do {
    if (list.size() == kArgsMax) {
      return too_much(cursor.peek().span,
                      fmt::format("{} takes at most {} expressions.", clause, kArgsMax));
    }
    list.push_back(TRY(parse_expression(cursor)));
  } while (cursor.accept_symbol(","));
  return list;
}

// "(a, b)" as a whole, which a single expression in parentheses is not.
bool at_list(const TokenCursor& cursor) {
  if (!cursor.at_symbol("(")) return false;
  int depth = 0;
  bool comma = false;
  for (std::size_t at = 0;; ++at) {
    if (cursor.peek(at).kind == TokenKind::end) return false;
    if (cursor.at_symbol("(", at) || cursor.at_symbol("[", at)) ++depth;
    if (cursor.at_symbol(",", at) && depth == 1) comma = true;
    if (cursor.at_symbol("]", at)) --depth;
    if (cursor.at_symbol(")", at) && --depth == 0) return comma && !cursor.at_symbol("=>", at + 1);
  }
}

Parsed<std::vector<ast::ExpressionPtr>> parse_by_list(TokenCursor& cursor,
                                                      std::string_view clause) {
  if (!at_list(cursor)) return parse_by(cursor, clause);
  cursor.take();
  auto list = TRY(parse_by(cursor, clause));
  TRY(cursor.expect_symbol(")"));
  return list;
}

Parsed<void> parse_groups(TokenCursor& cursor, ast::Query& query) {
  std::uint32_t begin = cursor.position();
  if (cursor.accept_words("GROUP", "BY")) {
    query.group_by = TRY(parse_by_list(cursor, "GROUP BY"));
    query.group_by_span = cursor.span_since(begin);
  }
  begin = cursor.position();
  if (cursor.accept_words("PARTITION", "BY")) {
    query.partition_by_span = cursor.span_since(begin);
    query.partition_by = TRY(parse_by_list(cursor, "PARTITION BY"));
  }
  if (cursor.accept_word("HAVING")) query.having = TRY(parse_expression(cursor));
  return {};
}

Parsed<void> parse_tail(TokenCursor& cursor, ast::Query& query) {
  TRY(refuse_later_clauses(cursor));
  std::uint32_t begin = cursor.position();
  if (cursor.accept_word("EMIT")) {
    query.emit_changes = cursor.accept_word("CHANGES");
    query.emit_final = !query.emit_changes && cursor.accept_word("FINAL");
    if (!query.emit_changes && !query.emit_final)
      return cursor.unexpected("CHANGES or FINAL", {"CHANGES", "FINAL"});
    query.emit_span = cursor.span_since(begin);
  }
  begin = cursor.position();
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
  const auto& alias = query.joins.empty() ? query.source.alias : query.joins.back().source.alias;
  if (alias && alias->quote == 0) {
    if (alias->text == "PARTITION")
      return problem(alias->span, "PARTITION stands with BY: PARTITION BY ...");
    const std::string hint =
        did_you_mean(alias->text, std::span<const std::string_view>(kClauseWords));
    if (!hint.empty())
      return problem(alias->span, fmt::format("'{}' is not a clause.{}", alias->text, hint));
  }
  for (const std::string_view word :
       {"WINDOW", "WHERE", "GROUP", "PARTITION", "HAVING", "EMIT", "LIMIT"}) {
    if (!cursor.at_word(word)) continue;
    return problem(
        cursor.peek().span,
        fmt::format("{} cannot stand here; the order is {}, each at most once.", word, kOrder));
  }
  return cursor.unexpected(fmt::format("{} or the end of the statement", kOrder),
                           {"WINDOW", "WHERE", "GROUP", "PARTITION", "HAVING", "EMIT", "LIMIT"});
}

}  // namespace

Parsed<ast::Source> parse_source(TokenCursor& cursor) {
  if (cursor.at_symbol("("))
    return not_yet(cursor.peek().span, "Sub-queries are not supported yet.");
  ast::Source source{.name = TRY(cursor.expect_name("a stream or table name")), .alias = {}};
  source.alias = TRY(parse_alias(cursor));
  return source;
}

Parsed<ast::Query> parse_query(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  if (cursor.at_word("WITH"))
    return not_yet(cursor.peek().span, "WITH (common table expressions) is not supported yet.");
  TRY(cursor.expect_word("SELECT"));
  ast::Query query;
  TRY(parse_items(cursor, query));
  if (!cursor.accept_word("FROM")) return cursor.unexpected("',' or FROM", {"FROM"});
  query.source = TRY(parse_source(cursor));
  while (at_join(cursor)) {
    if (query.joins.size() == kJoinsMax)
      return too_much(cursor.peek().span,
                      fmt::format("A query joins at most {} times.", kJoinsMax));
    query.joins.push_back(TRY(parse_join(cursor)));
  }
  TRY(refuse_later_clauses(cursor));
  if (cursor.accept_word("WINDOW")) query.window = TRY(parse_window(cursor));
  if (cursor.accept_word("WHERE")) query.where = TRY(parse_expression(cursor));
  TRY(refuse_later_clauses(cursor));
  TRY(parse_groups(cursor, query));
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
