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

std::string canonical(std::string_view text) {
  return canonical_json(parse_json(text, "t").value()).value();
}

TEST(CanonicalJson, SortsMembersAndDropsWhiteSpace) {
  EXPECT_EQ(canonical(R"( { "b" : 1, "a" : [ true, null, false, {} , [] ], "" : "x" } )"),
            R"({"":"x","a":[true,null,false,{},[]],"b":1})");
  EXPECT_EQ(canonical("-0"), "0");
}

// RFC 8785, 3.2.3: a smiley (a surrogate pair) stands before U+FB33.
TEST(CanonicalJson, SortsMembersByUtf16CodeUnits) {
  EXPECT_EQ(canonical(R"({"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5,
                          "\u0080": 6, "\u00f6": 7})"),
            "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,"
            "\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}");
  EXPECT_EQ(canonical(R"({"aa": 1, "a": 2})"), R"({"a":2,"aa":1})");
}

// RFC 8785, 3.2.2.2.
TEST(CanonicalJson, EscapesOnlyWhatItMust) {
  EXPECT_EQ(canonical(R"("\u20ac$\u000f\nA'\u0042\"\\\\\"\/\u007f")"),
            "\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\x7f\"");
  EXPECT_EQ(canonical(R"("\u0008\u0009\u000a\u000c\u000d\u0000\u001F")"),
            R"("\b\t\n\f\r\u0000\u001f")");
}

TEST(CanonicalJson, TakesIntegersThatEveryReaderKeepsExactly) {
  EXPECT_EQ(canonical("[9007199254740991,-9007199254740991]"),
            "[9007199254740991,-9007199254740991]");
  for (const char* refused : {"9007199254740992", "-9007199254740992", "18446744073709551615",
                              "-9223372036854775808", "1.5", "1.0", "1e2", "-0.0"})
    EXPECT_EQ(canonical_json(parse_json(refused, "t").value()).error().code(),
              ErrorCode::invalid_argument)
        << refused;
}

TEST(CanonicalJson, RefusesWhatIsNotUtf8AndWhatIsTooDeep) {
  for (const char* text : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82", "\xf4\x90\x80\x80",
                           "\xf0\x8f\xbf\xbf", "\xe0\x9f\xbf", "\x80", "a\xc3"}) {
    EXPECT_EQ(canonical_json(Json(text)).error().code(), ErrorCode::invalid_argument);
    EXPECT_FALSE(canonical_json(Json{{text, 1}}).has_value());
  }
  EXPECT_FALSE(canonical_json(Json::binary({1, 2})).has_value());
  Json nested = 1;
  for (int i = 0; i < 64; ++i) nested = Json::array({std::move(nested)});
  EXPECT_TRUE(canonical_json(nested).has_value());
  EXPECT_EQ(canonical_json(Json::array({nested})).error().code(), ErrorCode::limit_exceeded);
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
