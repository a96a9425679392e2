// Text to tokens. Private to sql.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql/diagnostic.h"
#include "sql/source_span.h"

namespace penstock::sql {

enum class TokenKind : std::uint8_t {
  end,
  word,        // unquoted identifier or keyword; text in upper case
  identifier,  // `quoted` or "quoted"; text as meant, quotes removed
  string,      // 'quoted'; text as meant
  integer,     // digits
  decimal,     // digits with a point
  float_,      // with an exponent
  symbol,      // operators and punctuation; text as written, "!=" as "<>"
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  SourceSpan span;
  char quote = 0;  // of identifiers: ` or "
};

// All tokens, ended by one of kind `end`. Comments (-- to the line's end, /* */) are left out.
Parsed<std::vector<Token>> tokenize(std::string_view text);

// Where the token, comment or blank that starts at `at` ends, without looking inside; for splitting
// scripts. `at` must be inside the text. Fails on a quote or comment that is not closed.
struct Piece {
  std::size_t end;
  bool significant;  // neither blank nor comment
};
Parsed<Piece> next_piece(std::string_view text, std::size_t at);

}  // namespace penstock::sql
