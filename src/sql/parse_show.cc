// SHOW, LIST and DESCRIBE, by the syntaxes that the parser was given.
#include <algorithm>
#include <ranges>

#include <fmt/format.h>

#include "sql/parser.h"

namespace penstock::sql {
namespace {

using Named = ast::Show::Names;

// One blank-separated part of a syntax.
struct SyntaxPart {
  std::vector<std::string_view> words;  // one of them; none: a name
  bool optional = false;
  std::string_view name;  // "source"
};

std::vector<std::string_view> pieces_of(std::string_view text, char between) {
  std::vector<std::string_view> out;
  for (const auto piece : std::views::split(text, between))
    out.emplace_back(piece.begin(), piece.end());
  return out;
}

SyntaxPart syntax_part(std::string_view text) {
  const bool optional = text.starts_with('[');
  const bool name = text.starts_with('<');
  if (optional || name) text = text.substr(1, text.size() - 2);
  if (name) return {.words = {}, .optional = false, .name = text};
  return {.words = pieces_of(text, '|'), .optional = optional, .name = {}};
}

// Without the verb; empty: it has another.
std::vector<SyntaxPart> parts_behind(std::string_view verb, std::string_view syntax) {
  std::vector<SyntaxPart> out;
  const auto pieces = pieces_of(syntax, ' ');
  if (pieces.front() != verb) return out;
  for (const std::string_view piece : pieces | std::views::drop(1))
    out.push_back(syntax_part(piece));
  return out;
}

// Of `part`, the word that stands at a place.
const std::string_view* word_at(const TokenCursor& cursor, const SyntaxPart& part,
                                std::size_t ahead) {
  const auto at = std::ranges::find_if(
      part.words, [&](std::string_view word) { return cursor.at_word(word, ahead); });
  return at == part.words.end() ? nullptr : &*at;
}

enum class Fit : std::uint8_t {
  none,
  begun,  // the words in front of the name are there
  all,    // to the end of the statement
};

Fit fit_of(const TokenCursor& cursor, const std::vector<SyntaxPart>& parts) {
  if (parts.empty()) return Fit::none;
  std::size_t at = 0;
  bool named = false;
  for (const SyntaxPart& part : parts) {
    if (!part.name.empty()) {
      if (cursor.peek(at).kind == TokenKind::end) return Fit::begun;
      named = true;
      ++at;
    } else if (word_at(cursor, part, at) != nullptr) {
      ++at;
    } else if (!part.optional) {
      return named ? Fit::begun : Fit::none;
    }
  }
  return cursor.peek(at).kind == TokenKind::end ? Fit::all : Fit::begun;
}

Named named_by(std::string_view name) {
  if (name == "source") return Named::source;
  return name == "function" ? Named::function : Named::other;
}

std::string text_for(std::string_view name) {
  switch (named_by(name)) {
    case Named::source:
      return "a stream or table name";
    case Named::function:
      return "a function name";
    case Named::other:
      break;
  }
  return fmt::format("a {}'s name", name);
}

Parsed<ast::Show> read_parts(TokenCursor& cursor, std::size_t syntax,
                             const std::vector<SyntaxPart>& parts) {
  ast::Show out;
  out.syntax = syntax;
  for (const SyntaxPart& part : parts) {
    if (!part.name.empty()) {
      out.names = named_by(part.name);
      out.name = TRY(cursor.expect_name(text_for(part.name)));
    } else if (word_at(cursor, part, 0) != nullptr) {
      out.words.push_back(cursor.take().text);
    } else if (!part.optional) {
      TRY(cursor.expect_word(part.words.front()));
    }
  }
  return out;
}

// What may stand behind the verb, as far as one word says it.
std::vector<std::string_view> things_behind(std::string_view verb, ShowSyntaxes shows) {
  std::vector<std::string_view> out;
  for (const std::string_view syntax : shows) {
    std::vector<SyntaxPart> parts = parts_behind(verb, syntax);
    std::erase_if(parts, [](const SyntaxPart& part) { return part.optional; });
    if (parts.size() == 1) {
      const auto& words = parts.front().words;
      out.insert(out.end(), words.begin(), words.end());
    }
  }
  return out;
}

std::unexpected<Diagnostic> unknown_thing(const TokenCursor& cursor, std::string_view verb,
                                          ShowSyntaxes shows) {
  const std::vector<std::string_view> things = things_behind(verb, shows);
  if (things.empty())
    return problem(cursor.peek().span, fmt::format("Nothing is known here that {} shows.", verb));
  std::string expected;
  for (std::size_t i = 0; i < things.size(); ++i) {
    if (i > 0) expected += i + 1 == things.size() ? " or " : ", ";
    expected += things[i];
  }
  return cursor.unexpected(expected, std::span(things));
}

}  // namespace

Parsed<ast::Statement> parse_show(TokenCursor& cursor, ShowSyntaxes shows) {
  const std::string_view verb = cursor.take().text == "DESCRIBE" ? "DESCRIBE" : "SHOW";
  std::optional<std::size_t> begun;
  for (std::size_t i = 0; i < shows.size(); ++i) {
    const std::vector<SyntaxPart> parts = parts_behind(verb, shows[i]);
    const Fit fit = fit_of(cursor, parts);
    if (fit == Fit::all) return ast::Statement{TRY(read_parts(cursor, i, parts))};
    if (fit == Fit::begun && !begun) begun = i;
  }
  if (!begun) return unknown_thing(cursor, verb, shows);
  return ast::Statement{TRY(read_parts(cursor, *begun, parts_behind(verb, shows[*begun])))};
}

}  // namespace penstock::sql
