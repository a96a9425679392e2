#include "sql/diagnostic.h"

#include <algorithm>

#include <fmt/format.h>

namespace penstock::sql {
namespace {

constexpr std::size_t kShownBytesMax = 120;  // of the source line

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

struct Shown {
  std::string line;
  std::string before_caret;
};

// The part of a line around byte `at`, never cutting a character in two.
Shown excerpt(std::string_view line, std::size_t at) {
  std::size_t begin = 0;
  std::size_t end = line.size();
  if (line.size() > kShownBytesMax) {
    begin = at > kShownBytesMax / 2 ? at - kShownBytesMax / 2 : 0;
    end = std::min(line.size(), begin + kShownBytesMax);
    while (begin > 0 && continues_character(line[begin])) --begin;
    while (end < line.size() && continues_character(line[end])) ++end;
  }
  Shown shown;
  shown.line = fmt::format("{}{}{}", begin > 0 ? "..." : "", line.substr(begin, end - begin),
                           end < line.size() ? "..." : "");
  if (begin > 0) shown.before_caret = "   ";
  for (const char c : line.substr(begin, at - begin)) {
    if (!continues_character(c)) shown.before_caret += c == '\t' ? '\t' : ' ';
  }
  return shown;
}

}  // namespace

std::string render(const Diagnostic& diagnostic, std::string_view text, std::uint32_t first_line) {
  const std::size_t at = std::min<std::size_t>(diagnostic.span.begin, text.size());
  const std::string_view before = text.substr(0, at);
  const std::size_t line_number =
      first_line + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t newline = before.rfind('\n');
  const std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
  std::string_view line = text.substr(line_begin);
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t in_line = std::min(at - line_begin, line.size());
  const Shown shown = excerpt(line, in_line);
  return fmt::format("line {}:{}: {}\n{}\n{}^", line_number,
                     characters(line.substr(0, in_line)) + 1, diagnostic.message, shown.line,
                     shown.before_caret);
}

}  // namespace penstock::sql
