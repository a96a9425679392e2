#include "cli/test/exact_json.h"

#include <gtest/gtest.h>

#include "cli/limits.h"

namespace penstock::cli {
namespace {

std::string again(std::string_view text) {
  const auto parsed = parse_exact_json(text, "text");
  EXPECT_TRUE(parsed) << parsed.error().text();
  std::string out;
  if (parsed) append_exact_json(out, *parsed);
  return out;
}

TEST(ExactJson, NumbersKeepTheirScaleAndObjectsTheirOrder) {
  EXPECT_EQ(again(R"({"b": 10.00, "a": [1, -2.50, null, true, "x\n"]})"),
            R"({"b":10.00,"a":[1,-2.50,null,true,"x\n"]})");
  EXPECT_EQ(again("99999999999999999999999999999999999999"),
            "99999999999999999999999999999999999999");
}

TEST(ExactJson, CommentsAreLeftOut) {
  EXPECT_EQ(again("// head\n{\"a\": /* one */ 1}"), R"({"a":1})");
}

TEST(ExactJson, WhatIsNoJsonIsRefusedWithItsPlace) {
  for (const std::string text : {"", "{", "{\"a\":}", "[1,]", "1 2", "nul", "\"\x80\""}) {
    const auto parsed = parse_exact_json(text, "the file");
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().text().find("the file"), std::string::npos);
  }
}

TEST(ExactJson, NestingIsHeldToItsLimit) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_exact_json(nested(kJsonDepthMax), "text"));
  const auto refused = parse_exact_json(nested(kJsonDepthMax + 1), "text");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::limit_exceeded);
}

ExactNumber number(std::string_view text) {
  ExactNumber out;
  EXPECT_TRUE(read_exact_number(text, out)) << text;
  return out;
}

TEST(ExactNumber, ScaleIsPartOfTheValueAndExponentsAreNot) {
  EXPECT_EQ(number("1.50"), (ExactNumber{false, "150", 2}));
  EXPECT_NE(number("1.50"), number("1.5"));
  EXPECT_EQ(number("1.0E3"), number("1000"));
  EXPECT_EQ(number("1.5E-1"), number("0.15"));
  EXPECT_EQ(number("-0.0"), number("0.0"));
  EXPECT_NE(number("-1"), number("1"));
  ExactNumber out;
  for (const std::string_view text : {"", "-", ".", "1e", "1.2.3", "x"})
    EXPECT_FALSE(read_exact_number(text, out)) << text;
}

}  // namespace
}  // namespace penstock::cli
