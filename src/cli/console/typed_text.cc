#include "cli/console/typed_text.h"

#include <cctype>

namespace penstock::cli {
namespace {

bool is_quote(char c) {
  return c == '\'' || c == '"' || c == '`';
}

// The position behind a comment that begins at `at`, or `at` when none does.
std::size_t skip_comment(std::string_view text, std::size_t at) {
  std::string_view rest = text.substr(at);
  if (rest.starts_with("--")) {
    std::size_t end = text.find('\n', at);
    return end == std::string_view::npos ? text.size() : end;
  }
  if (rest.starts_with("/*")) {
    std::size_t end = text.find("*/", at + 2);
    return end == std::string_view::npos ? text.size() : end + 2;
  }
  return at;
}

// The quoted text that begins at `at`; moves `at` behind it. False when it does not end.
bool take_quoted(std::string_view text, std::size_t& at, std::string& out) {
  char quote = text[at++];
  while (at < text.size()) {
    if (text[at] != quote) {
      out.push_back(text[at++]);
    } else if (at + 1 < text.size() && text[at + 1] == quote) {
      out.push_back(quote);
      at += 2;
    } else {
      ++at;
      return true;
    }
  }
  return false;
}

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

}  // namespace

bool ends_statement(std::string_view text) {
  bool ended = false;
  for (std::size_t at = 0; at < text.size();) {
    if (std::size_t behind = skip_comment(text, at); behind != at) {
      at = behind;
    } else if (is_quote(text[at])) {
      std::string ignored;
      if (!take_quoted(text, at, ignored)) return false;
      ended = false;
    } else {
      if (text[at] == ';')
        ended = true;
      else if (!is_space(text[at]))
        ended = false;
      ++at;
    }
  }
  return ended;
}

std::vector<Word> first_words(std::string_view text, std::size_t most) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < text.size() && words.size() < most;) {
    if (std::size_t behind = skip_comment(text, at); behind != at) {
      at = behind;
    } else if (is_quote(text[at])) {
      Word word{"", true};
      take_quoted(text, at, word.text);
      words.push_back(std::move(word));
    } else if (is_space(text[at]) || text[at] == ';' || text[at] == '=') {
      ++at;
    } else {
      Word word;
      while (at < text.size() && !is_space(text[at]) && text[at] != ';' && text[at] != '=' &&
             !is_quote(text[at]))
        word.text.push_back(
            static_cast<char>(std::toupper(static_cast<unsigned char>(text[at++]))));
      words.push_back(std::move(word));
    }
  }
  return words;
}

}  // namespace penstock::cli
