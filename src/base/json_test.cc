#include "base/json.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(ParseJson, RefusesDuplicatesDepthSizeAndTrailingBytes) {
  EXPECT_TRUE(parse_json(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})", "t").has_value());
  EXPECT_FALSE(parse_json(R"({"a":1,"a":2})", "t").has_value());
  EXPECT_FALSE(parse_json("{} x", "t").has_value());
  EXPECT_FALSE(parse_json("\"\xff\"", "t").has_value());
  JsonLimits limits{.bytes_max = 8, .depth_max = 2};
  EXPECT_TRUE(parse_json("[[1]]", "t", limits).has_value());
  EXPECT_EQ(parse_json("[[[1]]]", "t", limits).error().code(), ErrorCode::limit_exceeded);
  EXPECT_TRUE(parse_json("12345678", "t", limits).has_value());
  EXPECT_EQ(parse_json("123456789", "t", limits).error().code(), ErrorCode::limit_exceeded);
}

TEST(ParseJson, NeverQuotesTheText) {
  EXPECT_EQ(parse_json(R"({"secret":"hunter2",})", "policy").error().text(),
            "policy: not valid JSON at byte 21");
}

TEST(JsonMembers, NameWhatIsMissingOrOfTheWrongType) {
  Json object = {{"id", 5}};
  EXPECT_EQ(json_string(object, "policy", "id").error().text(),
            "policy: member 'id' must be a string");
  EXPECT_EQ(json_integer(object, "policy", "v").error().text(), "policy: member 'v' is missing");
  EXPECT_EQ(json_integer(object, "policy", "id").value(), 5);
}

}  // namespace
}  // namespace penstock
