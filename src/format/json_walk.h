// Over JSON text that has been checked, value by value.
#pragma once

#include <cstddef>
#include <string_view>

namespace penstock::format {

// Walks over text that is known to be JSON.
class JsonWalk {
 public:
  explicit JsonWalk(std::string_view text) : text_(text) {}

  char peek() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool taken(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  // The text of the value here; goes behind it.
  std::string_view value() {
    const char first = peek();
    const std::size_t begin = at_;
    if (first == '"') {
      skip_string();
    } else if (first == '{' || first == '[') {
      skip_nested();
    } else {
      while (at_ < text_.size() && !ends_word(text_[at_])) ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }
  // A member's name between its quotes; goes behind the colon.
  std::string_view name() {
    const std::string_view quoted = value();
    taken(':');
    return quoted.size() < 2 ? std::string_view() : quoted.substr(1, quoted.size() - 2);
  }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  static bool ends_word(char c) { return is_blank(c) || c == ',' || c == ']' || c == '}'; }
  void skip_string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) at_ += text_[at_] == '\\';
    if (at_ < text_.size()) ++at_;
  }
  void skip_nested() {
    std::size_t depth = 0;
    do {
      const char c = text_[at_];
      if (c == '"') {
        skip_string();
        continue;
      }
      depth += c == '{' || c == '[';
      depth -= c == '}' || c == ']';
      ++at_;
    } while (depth > 0 && at_ < text_.size());
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace penstock::format
