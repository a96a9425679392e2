// Patterns of LIKE: % for any text, _ for one character, an escape character before either.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::engine::functions {

// A pattern made ready for matching. Matching is by parts between the % signs, leftmost first, and
// never goes back over a part that was found. Not thread-safe while compile() runs.
class LikePattern {
 public:
  // escape: one character of UTF-8, or empty for none. An escape at the pattern's end, or before an
  // ordinary character, stands for that character.
  void compile(std::string_view pattern, std::string_view escape);
  bool matches(std::string_view text) const;

 private:
  // Characters between two % signs: literals_[begin, begin + size), where kAnyCharacter stands for
  // _.
  struct Part {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
    bool has_any = false;
  };
  static constexpr char kAnyCharacter = '\xFF';  // not a byte of UTF-8

  std::string_view literal(const Part& part) const {
    return {literals_.data() + part.begin, part.size};
  }
  std::size_t match_at(const Part& part, std::string_view text) const;
  std::size_t find(const Part& part, std::string_view text, std::size_t& end) const;
  bool matches_end(const Part& part, std::string_view text) const;
  bool matches_open(std::string_view text) const;

  std::string literals_;
  std::vector<Part> parts_;  // at least one; more than one when there is a %
};

}  // namespace penstock::engine::functions
