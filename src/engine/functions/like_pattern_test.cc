#include "engine/functions/like_pattern.h"

#include <gtest/gtest.h>

namespace penstock::engine::functions {
namespace {

bool like(std::string_view text, std::string_view pattern, std::string_view escape = "") {
  LikePattern compiled;
  compiled.compile(pattern, escape);
  return compiled.matches(text);
}

TEST(LikePattern, WithoutSignsMatchesTheWholeText) {
  EXPECT_TRUE(like("foo", "foo"));
  EXPECT_FALSE(like("foobar", "foo"));
  EXPECT_FALSE(like("", "foo"));
  EXPECT_TRUE(like("", ""));
  EXPECT_FALSE(like("a", ""));
}

TEST(LikePattern, TakesAnyTextForPercent) {
  EXPECT_TRUE(like("", "%"));
  EXPECT_TRUE(like("barfoobaz", "%foo%"));
  EXPECT_TRUE(like("foobar", "foo%"));
  EXPECT_TRUE(like("barfoo", "%foo"));
  EXPECT_TRUE(like("a1b2c", "a%b%c"));
  EXPECT_TRUE(like("abc", "%%%abc%%"));
  EXPECT_FALSE(like("ab", "a%b%c"));
  EXPECT_TRUE(like("line\nbreak", "line%"));
}

TEST(LikePattern, DoesNotUseTextTwice) {
  EXPECT_FALSE(like("aba", "ab%ba"));
  EXPECT_TRUE(like("abba", "ab%ba"));
  EXPECT_TRUE(like("ababa", "ab%ba"));
  EXPECT_FALSE(like("a", "a%a"));
  EXPECT_FALSE(like("ab", "%ab_"));
}

TEST(LikePattern, TakesOneCharacterForUnderscore) {
  EXPECT_TRUE(like("a", "_"));
  EXPECT_TRUE(like("é", "_"));
  EXPECT_TRUE(like("😀", "_"));
  EXPECT_FALSE(like("", "_"));
  EXPECT_FALSE(like("ab", "_"));
  EXPECT_TRUE(like("xaéby", "%a_b%"));
  EXPECT_TRUE(like("aéb", "a%_b"));
  EXPECT_FALSE(like("ab", "a%_b"));
  EXPECT_TRUE(like("aaab", "%a_b"));
}

TEST(LikePattern, LooksForAPartWithUnderscoreInEveryPlace) {
  EXPECT_TRUE(like("abxabay", "%ab_y%"));
  EXPECT_TRUE(like("aab", "%_b%"));
  EXPECT_FALSE(like("aab", "%b_%"));
}

TEST(LikePattern, TakesWhatFollowsTheEscapeAsItIs) {
  EXPECT_TRUE(like("100%", "100!%", "!"));
  EXPECT_FALSE(like("100x", "100!%", "!"));
  EXPECT_TRUE(like("a_b", "a\\_b", "\\"));
  EXPECT_FALSE(like("axb", "a\\_b", "\\"));
  EXPECT_TRUE(like("a!b", "a!!b", "!"));
  EXPECT_TRUE(like("a!", "a!", "!"));
  EXPECT_TRUE(like("a%", "aé%", "é"));
}

TEST(LikePattern, IsCompiledAgainForAnotherText) {
  LikePattern pattern;
  pattern.compile("%a", "");
  EXPECT_TRUE(pattern.matches("xa"));
  pattern.compile("b_", "");
  EXPECT_FALSE(pattern.matches("xa"));
  EXPECT_TRUE(pattern.matches("bx"));
}

TEST(LikePattern, FindsAPartWhereverItLies) {
  for (std::size_t size : {1, 2, 5, 31, 32, 33, 40}) {
    std::string part(size, 'a');
    part.back() = 'b';
    for (std::size_t before = 0; before < 80; ++before) {
      const std::string text = std::string(before, 'a') + part + std::string(before % 7, 'c');
      EXPECT_TRUE(like(text, "%" + part + "%")) << size << " " << before;
      EXPECT_FALSE(like(text, "%" + part + "d%")) << size << " " << before;
      EXPECT_FALSE(like(std::string(before, 'a'), "%" + part + "%")) << size << " " << before;
    }
  }
}

TEST(LikePattern, StaysFastOnTextsThatAlmostMatch) {
  const std::string text(20000, 'a');
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "%a";
  EXPECT_TRUE(like(text, pattern));
  EXPECT_FALSE(like(text, pattern + "b%"));
}

}  // namespace
}  // namespace penstock::engine::functions
