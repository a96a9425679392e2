// Errors of one statement while it is parsed and bound: what is wrong and where. Private to sql.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "sql/source_span.h"

namespace penstock::sql {

struct [[nodiscard]] Diagnostic {
  ErrorCode code = ErrorCode::invalid_statement;
  SourceSpan span;
  std::string message;
};

template <typename T = void>
using Parsed = std::expected<T, Diagnostic>;

inline std::unexpected<Diagnostic> problem(SourceSpan span, std::string message) {
  return std::unexpected(Diagnostic{ErrorCode::invalid_statement, span, std::move(message)});
}
// For what ksqlDB has and this version has not.
inline std::unexpected<Diagnostic> not_yet(SourceSpan span, std::string message) {
  return std::unexpected(Diagnostic{ErrorCode::unsupported, span, std::move(message)});
}
inline std::unexpected<Diagnostic> too_much(SourceSpan span, std::string message) {
  return std::unexpected(Diagnostic{ErrorCode::limit_exceeded, span, std::move(message)});
}

// "line L:C: message", the source line (cut around the place when it is long) and a caret. The text
// starts at `first_line`; columns count characters from 1.
std::string render(const Diagnostic& diagnostic, std::string_view text, std::uint32_t first_line);

// The statement's text behind a span.
inline std::string_view text_of(SourceSpan span, std::string_view text) {
  if (span.begin > text.size() || span.end < span.begin) return {};
  return text.substr(span.begin, span.end - span.begin);
}

}  // namespace penstock::sql
