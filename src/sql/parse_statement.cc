// Which statement it is.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/nearest.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

struct StatementRule {
  std::string_view word;
  Parsed<ast::Statement> (*parse)(TokenCursor&);  // null: parse_show
};

Parsed<ast::Statement> parse_select(TokenCursor& cursor) {
  return ast::Statement{TRY(parse_query(cursor))};
}

constexpr std::array<StatementRule, 19> kRules = {{
    {"CREATE", parse_create},   {"DROP", parse_drop},
    {"INSERT", parse_insert},   {"SELECT", parse_select},
    {"WITH", parse_select},     {"SHOW", nullptr},
    {"LIST", nullptr},          {"DESCRIBE", nullptr},
    {"EXPLAIN", parse_explain}, {"TERMINATE", parse_terminate},
    {"PAUSE", parse_pause},     {"RESUME", parse_pause},
    {"ALTER", parse_alter},     {"SET", parse_set},
    {"UNSET", parse_set},       {"PRINT", parse_print},
    {"ASSERT", parse_assert},   {"DEFINE", parse_define},
    {"UNDEFINE", parse_define},
}};
constexpr std::array<std::string_view, 4> kLater = {"RUN", "DELETE", "UPDATE", "GRANT"};

std::unexpected<Diagnostic> unknown_statement(const TokenCursor& cursor) {
  const Token& token = cursor.peek();
  if (token.kind != TokenKind::word) return cursor.unexpected("a statement");
  std::vector<std::string_view> words;
  for (const StatementRule& rule : kRules) words.push_back(rule.word);
  std::string hint = did_you_mean(token.text, std::span<const std::string_view>(words));
  if (hint.empty()) {
    hint =
        " Statements are CREATE, DROP, INSERT, SELECT, SHOW, DESCRIBE, EXPLAIN, TERMINATE, "
        "PAUSE, RESUME, ALTER, SET, UNSET, DEFINE, UNDEFINE, ASSERT and PRINT.";
  }
  return problem(token.span, fmt::format("Statement '{}' is not known.{}", token.text, hint));
}

}  // namespace

Parsed<ast::Statement> parse_any_statement(TokenCursor& cursor, ShowSyntaxes shows) {
  for (const StatementRule& rule : kRules) {
    if (!cursor.at_word(rule.word)) continue;
    return rule.parse == nullptr ? parse_show(cursor, shows) : rule.parse(cursor);
  }
  for (const std::string_view word : kLater) {
    if (cursor.at_word(word)) {
      return not_yet(cursor.peek().span, fmt::format("{} is not supported yet.", word));
    }
  }
  return unknown_statement(cursor);
}

Parsed<ast::Statement> parse_statement(std::string_view text, ShowSyntaxes shows) {
  const std::vector<Token> tokens = TRY(tokenize(text));
  TokenCursor cursor(text, tokens);
  if (cursor.at_end()) return problem({}, "The statement is empty.");
  ast::Statement statement = TRY(parse_any_statement(cursor, shows));
  if (cursor.at_symbol(";")) {
    return problem(cursor.peek().span, "Only one statement is expected here, without ';'.");
  }
  if (!cursor.at_end()) return cursor.unexpected("the end of the statement");
  return statement;
}

}  // namespace penstock::sql
