// ${name} in statements.
#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.h"
#include "sql/diagnostic.h"
#include "sql/lexer.h"
#include "sql/limits.h"
#include "sql/nearest.h"
#include "sql/statement.h"

namespace penstock::sql {
namespace {

constexpr std::string_view kOpen = "${";

bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// The name of a variable at "${"; empty: what stands there is no reference, such as ${secret:KEY}.
std::string_view name_at(std::string_view text, std::size_t at) {
  const std::size_t begin = at + kOpen.size();
  std::size_t end = begin;
  while (end < text.size() && (starts_name(text[end]) || (end > begin && is_digit(text[end]))))
    ++end;
  if (end == begin || end >= text.size() || text[end] != '}') return {};
  return text.substr(begin, end - begin);
}

// One name or one literal, so that a value cannot be more of a statement than it seems.
bool is_one_token(std::string_view value) {
  auto tokens = tokenize(value);
  if (!tokens) return false;
  const std::size_t sign = !tokens->empty() && tokens->front().text == "-" ? 1 : 0;
  return tokens->size() == 2 + sign && (*tokens)[sign].kind != TokenKind::symbol;
}

SourceSpan span_within(std::size_t begin, std::size_t end) {
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
}

Parsed<std::string> value_of(std::string_view text, std::size_t at, std::string_view name,
                             char quote, const Variables& variables) {
  const SourceSpan span = span_within(at, at + kOpen.size() + name.size() + 1);
  const auto known = variables.find(upper(name));
  if (known == variables.end()) {
    std::vector<std::string> names;
    for (const auto& [one, value] : variables) names.push_back(one);
    const std::string hint = did_you_mean(name, names);
    return problem(
        span,
        fmt::format("Variable '{}' is not defined.{}", name,
                    hint.empty() ? fmt::format(" DEFINE {} = 'value'; does it.", name) : hint));
  }
  (void)text;
  if (quote == 0) {
    if (is_one_token(known->second)) return known->second;
    return problem(span, fmt::format("The value of '{}' is neither a name nor a literal: outside "
                                     "of quotes nothing else can be put in.",
                                     name));
  }
  std::string quoted;
  for (const char c : known->second) quoted += c == quote ? std::string(2, c) : std::string(1, c);
  return quoted;
}

Parsed<std::string> substituted(std::string_view text, const Variables& variables) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Piece piece = TRY(next_piece(text, at));
    const char first = text[at];
    const char quote = first == '\'' || first == '"' || first == '`' ? first : 0;
    const std::size_t end = piece.end;
    while (at < end) {
      const bool open = piece.significant && text.substr(at).starts_with(kOpen);
      const std::string_view name = open ? name_at(text, at) : std::string_view();
      if (name.empty()) {
        out += text[at++];
        continue;
      }
      out += TRY(value_of(text, at, name, quote, variables));
      at += kOpen.size() + name.size() + 1;
    }
    if (out.size() > kStatementBytesMax)
      return too_much({}, "The statement is too long with its variables put in.");
  }
  return out;
}

}  // namespace

Result<std::string> substitute_variables(const StatementText& text, const Variables& variables) {
  if (text.text.find(kOpen) == std::string::npos) return text.text;
  auto done = substituted(text.text, variables);
  if (!done) return fail(done.error().code, render(done.error(), text.text, text.line));
  return *std::move(done);
}

}  // namespace penstock::sql
