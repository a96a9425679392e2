// Where a parser stands in a statement's tokens. Private to sql.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sql/ast.h"
#include "sql/diagnostic.h"
#include "sql/lexer.h"

namespace penstock::sql {

class TokenCursor {
 public:
  // tokens: as tokenize() gives them. Both must outlive the cursor.
  TokenCursor(std::string_view text, const std::vector<Token>& tokens)
      : text_(text), tokens_(tokens) {}

  const Token& peek(std::size_t ahead = 0) const;
  const Token& take();
  bool at_end() const { return peek().kind == TokenKind::end; }

  // Keywords are words; quoted names never are.
  bool at_word(std::string_view word, std::size_t ahead = 0) const;
  bool at_words(std::string_view first, std::string_view second) const;
  bool at_symbol(std::string_view symbol, std::size_t ahead = 0) const;
  bool accept_word(std::string_view word);
  bool accept_words(std::string_view first, std::string_view second);
  bool accept_symbol(std::string_view symbol);
  Parsed<void> expect_word(std::string_view word);
  Parsed<void> expect_words(std::initializer_list<std::string_view> words);
  Parsed<void> expect_symbol(std::string_view symbol);

  // A name; `what` ("a stream name") goes into the error. Reserved words must be quoted.
  Parsed<ast::Identifier> expect_name(std::string_view what);
  Parsed<std::string> expect_string(std::string_view what);
  Parsed<std::int64_t> expect_count(std::string_view what);  // an integer of at least 0

  // "Expected <what> but found 'X'." at the next token, with a hint for a misspelt keyword.
  std::unexpected<Diagnostic> unexpected(
      std::string_view expected, std::initializer_list<std::string_view> keywords = {}) const;
  std::unexpected<Diagnostic> unexpected(std::string_view expected,
                                         std::span<const std::string_view> keywords) const;

  // From a span's start to the end of the token taken last.
  SourceSpan span_since(std::uint32_t begin) const;
  std::uint32_t position() const { return peek().span.begin; }
  std::string_view text() const { return text_; }

  // Levels of nesting; every recursive rule holds one Level while it runs.
  class Level {
   public:
    explicit Level(TokenCursor& cursor) : cursor_(cursor) { ++cursor_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --cursor_.depth_; }

   private:
    TokenCursor& cursor_;
  };
  Parsed<void> check_depth() const;

 private:
  std::string_view text_;
  const std::vector<Token>& tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

// Words that cannot be names without quotes because the grammar needs them.
bool is_reserved(std::string_view upper_word);

}  // namespace penstock::sql
