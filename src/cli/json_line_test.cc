#include "cli/json_line.h"

#include <gtest/gtest.h>

#include "cli/limits.h"

namespace penstock::cli {
namespace {

using Seen = WantedMember::Seen;

WantedMember look_for(std::string name, std::string_view line) {
  std::vector<WantedMember> wanted;
  wanted.emplace_back(std::move(name));
  EXPECT_TRUE(check_json_line(line, wanted)) << line;
  return wanted[0];
}

TEST(JsonLine, takes_every_kind_of_value) {
  std::vector<WantedMember> none;
  for (std::string_view line :
       {"{}", "[]", "1", "-1.5e3", "null", "true", "\"a\\u00e9\"", R"({"a":{"b":[1,{"c":2}]}})"})
    EXPECT_TRUE(check_json_line(line, none)) << line;
}

TEST(JsonLine, refuses_what_is_not_one_value_and_quotes_nothing) {
  std::vector<WantedMember> none;
  for (std::string_view line : std::initializer_list<std::string_view>{
           "", "{", "{}{}", "secret", "{\"secret\":1,}", "{\"secret\"}", "01", "\"secret\xff\"",
           "NaN", "\xEF\xBB\xBF{}", std::string_view("\0\0\0\0\1{}", 7)}) {
    Result<> checked = check_json_line(line, none);
    ASSERT_FALSE(checked) << line;
    EXPECT_EQ(checked.error().code(), ErrorCode::invalid_argument);
    EXPECT_EQ(checked.error().text().find("secret"), std::string::npos);
  }
}

TEST(JsonLine, finds_members_of_the_top_level_only) {
  EXPECT_EQ(look_for("k", R"({"k":"v"})").text, "v");
  EXPECT_EQ(look_for("k", R"({"a":{"k":"inner"},"k":"outer"})").text, "outer");
  EXPECT_EQ(look_for("k", R"({"a":{"k":"inner"}})").seen, Seen::no);
  EXPECT_EQ(look_for("k", R"([{"k":"inner"}])").seen, Seen::no);
  EXPECT_EQ(look_for("k", R"(["k"])").seen, Seen::no);
  EXPECT_EQ(look_for("k", R"({"k":null})").seen, Seen::null);
  EXPECT_EQ(look_for("k", R"({"k":{"k":1}})").seen, Seen::other);
  EXPECT_EQ(look_for("k", R"({"k":[1]})").seen, Seen::other);
}

TEST(JsonLine, gives_numbers_as_text) {
  EXPECT_EQ(look_for("k", R"({"k":-17})").text, "-17");
  EXPECT_EQ(look_for("k", R"({"k":-17})").number, -17);
  EXPECT_EQ(look_for("k", R"({"k":1.50})").text, "1.50");
  EXPECT_EQ(look_for("k", R"({"k":18446744073709551615})").text, "18446744073709551615");
  EXPECT_EQ(look_for("k", R"({"k":true})").text, "true");
}

TEST(JsonLine, bounds_the_depth) {
  std::vector<WantedMember> none;
  std::string at_limit = std::string(kJsonDepthMax, '[') + std::string(kJsonDepthMax, ']');
  EXPECT_TRUE(check_json_line(at_limit, none));
  Result<> beyond = check_json_line("[" + at_limit + "]", none);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code(), ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace penstock::cli
