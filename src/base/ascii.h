// ASCII characters, whatever the locale says.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Its value, of either case; -1 for another character.
inline int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

inline char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

inline std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = upper(c);
  return out;
}

inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && upper(a) == upper(b);
}

// Whether the text is the word or a beginning of it, in either case. word: lower case.
inline bool begins_word(std::string_view word, std::string_view text) {
  if (text.empty() || text.size() > word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (upper(text[i]) != upper(word[i])) return false;
  return true;
}

// As Java's String.trim: everything up to the blank goes.
inline std::string_view trimmed_as_java(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

}  // namespace penstock
