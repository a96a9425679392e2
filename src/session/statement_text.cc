#include "session/statement_text.h"

#include <cctype>
#include <cstdint>

#include <fmt/format.h>

namespace penstock::session {
namespace {

// The end of the quoted piece that begins at `begin`; a doubled quote inside belongs to it.
std::size_t quoted_end(std::string_view text, std::size_t begin) {
  const char quote = text[begin];
  std::size_t at = begin + 1;
  while (at < text.size()) {
    if (text[at] == quote) {
      if (at + 1 >= text.size() || text[at + 1] != quote) return at + 1;
      ++at;
    }
    ++at;
  }
  return text.size();
}

// The end of the comment or white space at `begin`; `begin` when there is none.
std::size_t blank_end(std::string_view text, std::size_t begin) {
  if (std::isspace(static_cast<unsigned char>(text[begin]))) return begin + 1;
  if (text.substr(begin).starts_with("--")) {
    const std::size_t end = text.find('\n', begin);
    return end == std::string_view::npos ? text.size() : end + 1;
  }
  if (text.substr(begin).starts_with("/*")) {
    const std::size_t end = text.find("*/", begin + 2);
    return end == std::string_view::npos ? text.size() : end + 2;
  }
  return begin;
}

}  // namespace

std::string canonical_text(std::string_view statement) {
  std::string out;
  bool blank = false;
  for (std::size_t at = 0; at < statement.size();) {
    if (const std::size_t end = blank_end(statement, at); end != at) {
      blank = true;
      at = end;
      continue;
    }
    if (blank && !out.empty()) out.push_back(' ');
    blank = false;
    const char c = statement[at];
    const std::size_t end = c == '\'' || c == '`' || c == '"' ? quoted_end(statement, at) : at + 1;
    out += statement.substr(at, end - at);
    at = end;
  }
  while (!out.empty() && (out.back() == ';' || out.back() == ' ')) out.pop_back();
  return out;
}

std::string text_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return fmt::format("{:016X}", hash);
}

}  // namespace penstock::session
