#include "sql/token_cursor.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/nearest.h"

namespace penstock::sql {
namespace {

constexpr std::array<std::string_view, 37> kReserved = {
    "AND",   "AS",     "BETWEEN", "BY",   "CASE", "CAST",  "CREATE", "DISTINCT", "DROP",  "ELSE",
    "END",   "EXISTS", "FALSE",   "FROM", "FULL", "GROUP", "HAVING", "IN",       "INNER", "INSERT",
    "INTO",  "IS",     "JOIN",    "LEFT", "LIKE", "LIMIT", "NOT",    "NULL",     "ON",    "OR",
    "OUTER", "RIGHT",  "SELECT",  "THEN", "TRUE", "WHEN",  "WHERE",
};

std::string shown(const Token& token, std::string_view text) {
  if (token.kind == TokenKind::end) return "the end of the statement";
  constexpr std::size_t kShownMax = 40;
  const std::string_view source = text_of(token.span, text);
  if (source.size() <= kShownMax) {
    return source.starts_with('\'') ? std::string(source) : fmt::format("'{}'", source);
  }
  switch (token.kind) {
    case TokenKind::string:
      return "a string";
    case TokenKind::identifier:
    case TokenKind::word:
      return "a name";
    default:
      return "a number";
  }
}

}  // namespace

bool is_reserved(std::string_view upper_word) {
  return std::binary_search(kReserved.begin(), kReserved.end(), upper_word);
}

const Token& TokenCursor::peek(std::size_t ahead) const {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

const Token& TokenCursor::take() {
  const Token& token = peek();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool TokenCursor::at_word(std::string_view word, std::size_t ahead) const {
  return peek(ahead).kind == TokenKind::word && peek(ahead).text == word;
}
bool TokenCursor::at_words(std::string_view first, std::string_view second) const {
  return at_word(first) && at_word(second, 1);
}
bool TokenCursor::at_symbol(std::string_view symbol, std::size_t ahead) const {
  return peek(ahead).kind == TokenKind::symbol && peek(ahead).text == symbol;
}
bool TokenCursor::accept_word(std::string_view word) {
  if (!at_word(word)) return false;
  take();
  return true;
}
bool TokenCursor::accept_words(std::string_view first, std::string_view second) {
  if (!at_words(first, second)) return false;
  take();
  take();
  return true;
}
bool TokenCursor::accept_symbol(std::string_view symbol) {
  if (!at_symbol(symbol)) return false;
  take();
  return true;
}

Parsed<void> TokenCursor::expect_word(std::string_view word) {
  if (accept_word(word)) return {};
  return unexpected(word, {word});
}

Parsed<void> TokenCursor::expect_words(std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) TRY(expect_word(word));
  return {};
}

Parsed<void> TokenCursor::expect_symbol(std::string_view symbol) {
  if (accept_symbol(symbol)) return {};
  return unexpected(fmt::format("'{}'", symbol));
}

Parsed<ast::Identifier> TokenCursor::expect_name(std::string_view what) {
  const Token& token = peek();
  if (token.kind == TokenKind::word && is_reserved(token.text)) {
    return problem(token.span, fmt::format("Expected {} but found the keyword {}; put it in "
                                           "back-quotes (`{}`) to use it as a name.",
                                           what, token.text, token.text));
  }
  if (token.kind != TokenKind::word && token.kind != TokenKind::identifier) return unexpected(what);
  take();
  return ast::Identifier{token.text, token.span, token.quote};
}

Parsed<std::string> TokenCursor::expect_string(std::string_view what) {
  if (peek().kind != TokenKind::string) return unexpected(what);
  return take().text;
}

Parsed<std::int64_t> TokenCursor::expect_count(std::string_view what) {
  const Token& token = peek();
  if (token.kind != TokenKind::integer) return unexpected(what);
  std::int64_t count = 0;
  const char* end = token.text.data() + token.text.size();
  if (std::from_chars(token.text.data(), end, count).ec != std::errc()) {
    return problem(token.span, fmt::format("This number does not fit BIGINT; expected {}.", what));
  }
  take();
  return count;
}

std::unexpected<Diagnostic> TokenCursor::unexpected(
    std::string_view expected, std::initializer_list<std::string_view> keywords) const {
  return unexpected(expected, std::span<const std::string_view>(keywords.begin(), keywords.size()));
}

std::unexpected<Diagnostic> TokenCursor::unexpected(
    std::string_view expected, std::span<const std::string_view> keywords) const {
  const Token& token = peek();
  std::string hint;
  if (token.kind == TokenKind::word && !keywords.empty()) {
    hint = did_you_mean(token.text, keywords);
  }
  return problem(token.span,
                 fmt::format("Expected {} but found {}.{}", expected, shown(token, text_), hint));
}

SourceSpan TokenCursor::span_since(std::uint32_t begin) const {
  return {begin, at_ == 0 ? begin : std::max(begin, tokens_[at_ - 1].span.end)};
}

Parsed<void> TokenCursor::check_depth() const {
  if (depth_ <= kExpressionDepthMax) return {};
  return too_much(peek().span,
                  fmt::format("This nests deeper than {} levels.", kExpressionDepthMax));
}

}  // namespace penstock::sql
