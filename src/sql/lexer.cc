#include "sql/lexer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/error.h"
#include "sql/limits.h"

namespace penstock::sql {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\f\v";
constexpr std::array<std::string_view, 9> kLongSymbols = {"<>", "!=", "<=", ">=", "||",
                                                          "->", "=>", ":=", "=="};
constexpr std::string_view kShortSymbols = "+-*/%=<>(),.[]{};:?!$";

SourceSpan span_of(std::size_t begin, std::size_t end) {
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
}

bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool continues_word(char c) {
  return starts_word(c) || is_digit(c) || c == '@';
}
bool is_quote(char c) {
  return c == '\'' || c == '"' || c == '`';
}

std::string_view quoted_thing(char quote) {
  return quote == '\'' ? "string" : "quoted name";
}

// Bytes of the UTF-8 character at `at`, 1-4 (RFC 3629, section 3); 0 when it is not one.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) > 0x9F;
  const bool beyond = first == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

Parsed<void> check_encoding(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) {
      return problem(span_of(at, at + 1),
                     fmt::format("The statement is not UTF-8 at byte {}.", at));
    }
    if (text[at] == '\0')
      return problem(span_of(at, at + 1), "The statement holds a NUL character.");
    at += length;
  }
  return {};
}

// End of a quoted piece; a doubled quote stands for itself.
Parsed<std::size_t> quoted_end(std::string_view text, std::size_t at) {
  const char quote = text[at];
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] != quote) continue;
    if (i + 1 < text.size() && text[i + 1] == quote) {
      ++i;
      continue;
    }
    return i + 1;
  }
  return problem(span_of(at, at + 1), fmt::format("This {} is not closed: a {} is missing.",
                                                  quoted_thing(quote), quote));
}

// End of a number at `at`; its kind.
std::pair<std::size_t, TokenKind> number_end(std::string_view text, std::size_t at) {
  TokenKind kind = TokenKind::integer;
  const auto digits = [&](std::size_t i) {
    while (i < text.size() && is_digit(text[i])) ++i;
    return i;
  };
  std::size_t i = digits(at);
  if (i < text.size() && text[i] == '.') {
    kind = TokenKind::decimal;
    i = digits(i + 1);
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    std::size_t exponent = i + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    if (exponent < text.size() && is_digit(text[exponent])) {
      kind = TokenKind::float_;
      i = digits(exponent);
    }
  }
  return {i, kind};
}

std::string unquote(std::string_view quoted) {
  const char quote = quoted.front();
  std::string text;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    text += quoted[i];
    if (quoted[i] == quote) ++i;
  }
  return text;
}

Parsed<Token> quoted_token(std::string_view text, std::size_t at) {
  const std::size_t end = TRY(quoted_end(text, at));
  Token token{.kind = text[at] == '\'' ? TokenKind::string : TokenKind::identifier,
              .text = unquote(text.substr(at, end - at)),
              .span = span_of(at, end),
              .quote = text[at]};
  if (token.kind == TokenKind::identifier && token.text.empty()) {
    return problem(token.span, "A quoted name is empty.");
  }
  if (token.kind == TokenKind::identifier && token.text.size() > kNameBytesMax) {
    return too_much(token.span, fmt::format("This name is longer than {} bytes.", kNameBytesMax));
  }
  return token;
}

Parsed<Token> word_token(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && continues_word(text[end])) ++end;
  if (end - at > kNameBytesMax) {
    return too_much(span_of(at, end),
                    fmt::format("This name is longer than {} bytes.", kNameBytesMax));
  }
  Token token{.kind = TokenKind::word, .text = {}, .span = span_of(at, end)};
  for (const char c : text.substr(at, end - at)) {
    token.text += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return token;
}

Parsed<Token> number_token(std::string_view text, std::size_t at) {
  const auto [end, kind] = number_end(text, at);
  if (end < text.size() && continues_word(text[end])) {
    std::size_t word = end;
    while (word < text.size() && continues_word(text[word])) ++word;
    return problem(span_of(at, word),
                   fmt::format("'{}' starts with a digit; put a name like this in back-quotes.",
                               text.substr(at, std::min<std::size_t>(word - at, kNameBytesMax))));
  }
  return Token{
      .kind = kind, .text = std::string(text.substr(at, end - at)), .span = span_of(at, end)};
}

Parsed<Token> symbol_token(std::string_view text, std::size_t at) {
  for (const std::string_view symbol : kLongSymbols) {
    if (!text.substr(at).starts_with(symbol)) continue;
    const SourceSpan span = span_of(at, at + 2);
    if (symbol == "==") return problem(span, "Equality is written with one '='.");
    return Token{.kind = TokenKind::symbol,
                 .text = symbol == "!=" ? "<>" : std::string(symbol),
                 .span = span};
  }
  if (text.substr(at).starts_with("${")) {
    return problem(span_of(at, at + 2),
                   "'${' begins a variable here: ${name}, which DEFINE name = 'value' defines.");
  }
  if (kShortSymbols.find(text[at]) == std::string_view::npos) {
    const std::size_t length = utf8_length(text, at);
    const bool printable = length > 1 || (text[at] > ' ' && text[at] < 0x7F);
    return problem(span_of(at, at + length),
                   printable ? fmt::format("Unexpected character '{}'.", text.substr(at, length))
                             : std::string("Unexpected control character."));
  }
  return Token{
      .kind = TokenKind::symbol, .text = std::string(1, text[at]), .span = span_of(at, at + 1)};
}

Parsed<Token> token_at(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (is_quote(c)) return quoted_token(text, at);
  if (starts_word(c)) return word_token(text, at);
  const bool point_digit = c == '.' && at + 1 < text.size() && is_digit(text[at + 1]);
  if (is_digit(c) || point_digit) return number_token(text, at);
  return symbol_token(text, at);
}

}  // namespace

Parsed<Piece> next_piece(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (kBlanks.find(text[at]) != std::string_view::npos) {
    const std::size_t end = text.find_first_not_of(kBlanks, at);
    return Piece{std::min(end, text.size()), false};
  }
  if (rest.starts_with("--")) return Piece{std::min(text.find('\n', at), text.size()), false};
  if (rest.starts_with("/*")) {
    const std::size_t close = text.find("*/", at + 2);
    if (close == std::string_view::npos) {
      return problem(span_of(at, at + 2), "This comment is not closed: a */ is missing.");
    }
    return Piece{close + 2, false};
  }
  if (is_quote(text[at])) return Piece{TRY(quoted_end(text, at)), true};
  return Piece{at + 1, true};
}

Parsed<std::vector<Token>> tokenize(std::string_view text) {
  if (text.size() > kStatementBytesMax) {
    return too_much({}, fmt::format("The statement has {} bytes; the limit is {}.", text.size(),
                                    kStatementBytesMax));
  }
  TRY(check_encoding(text));
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < text.size();) {
    const Piece piece = TRY(next_piece(text, at));
    if (!piece.significant) {
      at = piece.end;
      continue;
    }
    tokens.push_back(TRY(token_at(text, at)));
    at = tokens.back().span.end;
  }
  tokens.push_back(
      Token{.kind = TokenKind::end, .text = {}, .span = span_of(text.size(), text.size())});
  return tokens;
}

}  // namespace penstock::sql
