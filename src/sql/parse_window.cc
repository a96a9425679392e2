// WINDOW TUMBLING (SIZE d), HOPPING (SIZE d, ADVANCE BY d), SESSION (d); each with RETENTION d and
// GRACE PERIOD d.
#include <fmt/format.h>

#include "sql/limits.h"
#include "sql/parser.h"

namespace penstock::sql {
namespace {

Parsed<WindowKind> parse_window_kind(TokenCursor& cursor) {
  if (cursor.accept_word("TUMBLING")) return WindowKind::tumbling;
  if (cursor.accept_word("HOPPING")) return WindowKind::hopping;
  if (cursor.accept_word("SESSION")) return WindowKind::session;
  return cursor.unexpected("TUMBLING, HOPPING or SESSION", {"TUMBLING", "HOPPING", "SESSION"});
}

Parsed<std::int64_t> positive_duration(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  const std::int64_t length = TRY(parse_duration(cursor));
  if (length > 0) return length;
  return problem(cursor.span_since(begin), "A window's size must be larger than 0.");
}

Parsed<void> parse_rest(TokenCursor& cursor, WindowSpec& spec) {
  while (cursor.accept_symbol(",")) {
    if (cursor.accept_word("RETENTION")) {
      spec.retention_ms = TRY(parse_duration(cursor));
    } else if (cursor.accept_words("GRACE", "PERIOD")) {
      spec.grace_ms = TRY(parse_duration(cursor));
    } else {
      return cursor.unexpected("RETENTION or GRACE PERIOD", {"RETENTION", "GRACE"});
    }
  }
  return cursor.expect_symbol(")");
}

}  // namespace

Parsed<ast::Window> parse_window(TokenCursor& cursor) {
  const std::uint32_t begin = cursor.position();
  ast::Window window;
  if (cursor.peek().kind == TokenKind::word && cursor.at_symbol("(", 1) == false &&
      cursor.peek(1).kind == TokenKind::word)
    cursor.take();  // a name for the window, which means nothing
  window.spec.kind = TRY(parse_window_kind(cursor));
  TRY(cursor.expect_symbol("("));
  if (window.spec.kind != WindowKind::session) TRY(cursor.expect_word("SIZE"));
  window.spec.size_ms = TRY(positive_duration(cursor));
  window.spec.advance_ms = window.spec.size_ms;
  if (window.spec.kind == WindowKind::hopping) {
    TRY(cursor.expect_symbol(","));
    TRY(cursor.expect_words({"ADVANCE", "BY"}));
    const std::uint32_t at = cursor.position();
    window.spec.advance_ms = TRY(positive_duration(cursor));
    if (window.spec.advance_ms > window.spec.size_ms)
      return problem(cursor.span_since(at), "A window cannot advance by more than its size.");
    if (window.spec.size_ms / window.spec.advance_ms > kHoppingWindowsMax)
      return problem(cursor.span_since(at),
                     fmt::format("Each row would lie in {} windows; {} are the most.",
                                 window.spec.size_ms / window.spec.advance_ms, kHoppingWindowsMax));
  }
  TRY(parse_rest(cursor, window.spec));
  window.span = cursor.span_since(begin);
  const WindowSpec& spec = window.spec;
  if (spec.retention_ms && *spec.retention_ms < spec.size_ms + spec.grace_ms.value_or(0)) {
    return problem(window.span,
                   fmt::format("The retention period of the window store must be no smaller than "
                               "its window size plus the grace period. Got size=[{}], grace=[{}], "
                               "retention=[{}] (milliseconds).",
                               spec.size_ms, spec.grace_ms.value_or(0), *spec.retention_ms));
  }
  return window;
}

}  // namespace penstock::sql
