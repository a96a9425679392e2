#include "base/toml.h"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

namespace penstock {
namespace {

template <typename T>
const T& at(const TomlTable& table, std::string_view key) {
  const auto found = table.find(key);
  EXPECT_NE(found, table.end()) << key;
  return std::get<T>(found->second.value);
}

std::string refusal(std::string_view text, TomlLimits limits = {}) {
  const auto parsed = parse_toml(text, "conf", limits);
  EXPECT_FALSE(parsed) << text;
  return parsed ? "" : parsed.error().text();
}

TEST(Toml, ValuesComeWithTheirLines) {
  const auto parsed = parse_toml("a = 1\nb = true\nc = 'it''s'\n", "conf");
  EXPECT_FALSE(parsed);
  const auto good = parse_toml(
      "a = -1_000\nb = true\nc = 'raw \\ text'\nd = 1.5\ne = [\"x\", \"\\u00e4\"]\n\n"
      "[t]\nx = 0xff\n[t.u]\n\"quoted key\" = '''\nlines\n'''\n[[list]]\nn = 1\n[[list]]\nn = 2\n",
      "conf");
  ASSERT_TRUE(good) << good.error().text();
  EXPECT_EQ(at<std::int64_t>(*good, "a"), -1000);
  EXPECT_TRUE(at<bool>(*good, "b"));
  EXPECT_EQ(at<std::string>(*good, "c"), "raw \\ text");
  EXPECT_EQ(at<double>(*good, "d"), 1.5);
  EXPECT_EQ(std::get<std::string>(at<TomlArray>(*good, "e").at(1).value), "ä");
  EXPECT_EQ(at<TomlArray>(*good, "e").at(1).line, 5);
  const auto& t = at<TomlTable>(*good, "t");
  EXPECT_EQ(at<std::int64_t>(t, "x"), 255);
  EXPECT_EQ(t.find("x")->second.line, 8);
  EXPECT_EQ(at<std::string>(at<TomlTable>(t, "u"), "quoted key"), "lines\n");
  EXPECT_EQ(at<TomlArray>(*good, "list").size(), 2);
}

TEST(Toml, MistakesNameTheirLine) {
  EXPECT_NE(refusal("a = 1\nb =\n").find("conf, line 2"), std::string::npos);
  EXPECT_NE(refusal("a = 1\na = 2\n").find("conf"), std::string::npos);
  EXPECT_NE(refusal("a = 1\nb = \"open\n").find("conf"), std::string::npos);
  EXPECT_NE(refusal("a = 1\nb = 2024-01-01\n").find("line 2: dates and times"), std::string::npos);
  EXPECT_NE(refusal("a = 1\n\n\xc3\xa4 = 2\n").find("conf, line 3"), std::string::npos);
}

TEST(Toml, LimitsHold) {
  EXPECT_TRUE(parse_toml("a = 1", "conf", {.bytes_max = 5}));
  EXPECT_NE(refusal("a = 1 ", {.bytes_max = 5}).find("at most 5"), std::string::npos);
  const std::string deep(16, '['), close(16, ']');
  EXPECT_TRUE(parse_toml("a = " + deep + close, "conf"));
  EXPECT_NE(refusal("a = [" + deep + close + "]").find("nested"), std::string::npos);
  EXPECT_NE(refusal("a = " + std::string(100'000, '[')).find("nested"), std::string::npos);
  std::string dotted = "a";
  for (int i = 0; i < 40; ++i) dotted += ".a";
  EXPECT_NE(refusal(dotted + " = 1").find("nested"), std::string::npos);
}

TEST(Toml, BracketsAndColonsInsideTextsAndCommentsAreText) {
  const auto parsed = parse_toml(
      "a = '[[[[[[[[[[[[[[[[[[[[[[ 12:30'  # {{{{{{{{{{{{{{{{{{{ ä\n"
      "b = \"\"\"x\"\"[\"\"\"\n",
      "conf");
  ASSERT_TRUE(parsed) << parsed.error().text();
}

// What toml11 3.7 would run into is refused before it, or caught inside.
TEST(Toml, WhatTheParserBeneathStumblesOnIsRefused) {
  EXPECT_NE(refusal("a = []\n[a.b]\nc = 1\n").find("empty"), std::string::npos);
  EXPECT_NE(refusal("a = []\na.b = 1\n").find("empty"), std::string::npos);
  EXPECT_NE(refusal("a = 1\nb = '\xff'\n").find("line 2: a byte is not UTF-8"), std::string::npos);
  EXPECT_NE(refusal("# \xed\xa0\x80\n").find("line 1"), std::string::npos);
  EXPECT_TRUE(parse_toml("a = 0b" + std::string(62, '1'), "conf"));
  EXPECT_NE(refusal("a = 0b" + std::string(63, '1')).find("62 digits"), std::string::npos);
  std::string line = "a = [";
  while (line.size() < 100'000) line += "'',";
  EXPECT_NE(refusal(line + "]").find("too many values on one line"), std::string::npos);
  std::ranges::replace(line, ',', ' ');
  EXPECT_NE(refusal(line + "]"), "");
}

TEST(Toml, NumbersFitOrAreRefused) {
  const auto least = parse_toml("a = -9223372036854775808\nb = 0x7fff_ffff_ffff_ffff\n", "conf");
  ASSERT_TRUE(least) << least.error().text();
  EXPECT_EQ(at<std::int64_t>(*least, "a"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(at<std::int64_t>(*least, "b"), std::numeric_limits<std::int64_t>::max());
  for (const char* big : {"9223372036854775808", "-9223372036854775809", "0xffffffffffffffff"})
    EXPECT_NE(refusal(std::string("a = 1\nb = ") + big).find("line 2: an integer does not fit"),
              std::string::npos);
}

// Quotes before the closing ones belong to the text; brackets behind it count.
TEST(Toml, NothingHidesBehindQuotes) {
  const std::string deep(10'000, '[');
  for (const char* text : {"\"\"\"x\"\"\"", "\"\"\"x\"\"\"\"", "\"\"\"x\"\"\"\"\"", "'''x''''",
                           "'''x'''''", "''", "\"\\\"\"", "'\\'"})
    EXPECT_NE(refusal(std::string("a = [") + text + ", " + deep).find("nested"), std::string::npos)
        << text;
}

TEST(Toml, ErrorsQuoteNothingButKeys) {
  for (const char* text :
       {"a = hunter2\n", "a = \"hunter2\n", "a = 1 hunter2\n", "a = [hunter2]\n"})
    EXPECT_EQ(refusal(text).find("hunter2"), std::string::npos) << text;
}

}  // namespace
}  // namespace penstock
