// Numbers, strings, TRUE, FALSE, NULL.
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "data/decimal.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

using ast::Literal;
using data::Type;
using data::TypeKind;

Parsed<Literal> integer_literal(const Token& token, bool negative) {
  const std::string digits = (negative ? "-" : "") + token.text;
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [parsed_end, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || parsed_end != end) {
    return problem(token.span,
                   "This number does not fit BIGINT; write it with a decimal point to make it a "
                   "DECIMAL.");
  }
  using Limits = std::numeric_limits<std::int32_t>;
  if (value >= Limits::min() && value <= Limits::max()) {
    return Literal{Type(TypeKind::integer), static_cast<std::int32_t>(value)};
  }
  return Literal{Type(TypeKind::bigint), value};
}

Parsed<Literal> decimal_literal(const Token& token, bool negative) {
  const auto parsed = data::parse_decimal(token.text);
  if (!parsed) {
    return problem(token.span, fmt::format("This number has more than {} digits, the most that "
                                           "DECIMAL holds.",
                                           data::kDecimalDigitsMax));
  }
  const auto type = Type::decimal(parsed->precision, parsed->scale);
  if (!type) return problem(token.span, type.error().text());
  return Literal{*type, negative ? -parsed->unscaled : parsed->unscaled};
}

Parsed<Literal> double_literal(const Token& token, bool negative) {
  double value = 0;
  const char* end = token.text.data() + token.text.size();
  const auto [parsed_end, error] = std::from_chars(token.text.data(), end, value);
  // Too small is zero, too large is refused; from_chars does not tell them apart.
  if (error == std::errc::result_out_of_range) value = std::strtod(token.text.c_str(), nullptr);
  const bool read = error == std::errc() || error == std::errc::result_out_of_range;
  if (!read || parsed_end != end || !std::isfinite(value)) {
    return problem(token.span,
                   fmt::format("Number overflows DOUBLE: {}", token.text.substr(0, 60)));
  }
  return Literal{Type(TypeKind::double_), negative ? -value : value};
}

}  // namespace

Parsed<Literal> parse_literal(TokenCursor& cursor, bool negative) {
  const Token& token = cursor.peek();
  switch (token.kind) {
    case TokenKind::integer:
      cursor.take();
      return integer_literal(token, negative);
    case TokenKind::decimal:
      cursor.take();
      return decimal_literal(token, negative);
    case TokenKind::float_:
      cursor.take();
      return double_literal(token, negative);
    default:
      break;
  }
  if (negative) return cursor.unexpected("a number");
  if (token.kind == TokenKind::string) {
    cursor.take();
    return Literal{Type(TypeKind::string), token.text};
  }
  if (cursor.accept_word("TRUE")) return Literal{Type(TypeKind::boolean), true};
  if (cursor.accept_word("FALSE")) return Literal{Type(TypeKind::boolean), false};
  if (cursor.accept_word("NULL")) return Literal{std::nullopt, data::Null{}};
  return cursor.unexpected("a literal");
}

}  // namespace penstock::sql
