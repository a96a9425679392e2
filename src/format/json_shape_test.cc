// The predicted path against the general one.
#include "format/json_shape.h"

#include <random>

#include <gtest/gtest.h>

#include "format/format_testing.h"
#include "format/json_reader.h"

namespace penstock::format {
namespace {

using data::TypeKind;
using testing::decode_all;
using testing::PaddedRecords;
using testing::schema_of;
using testing::type_of;

data::Schema wide_schema() {
  return schema_of({{"ID", type_of(TypeKind::bigint)},
                    {"N", type_of(TypeKind::integer)},
                    {"PRICE", testing::decimal_of(10, 2)},
                    {"RATE", type_of(TypeKind::double_)},
                    {"NAME", type_of(TypeKind::string)},
                    {"OK", type_of(TypeKind::boolean)},
                    {"AT", type_of(TypeKind::timestamp)},
                    {"RAW", type_of(TypeKind::bytes)}});
}

const std::string kRecord =
    R"({"id":1234567,"n":-7,"price":49.99,"rate":0.25,"name":"Anna Pavlova of somewhere far away",)"
    R"("ok":true,"at":1700000000123,"raw":"YWJj","more":"not used"})";

// Both paths on the same records give the same rows. How many were predicted.
std::uint64_t expect_equal_paths(const data::Schema& schema, const std::vector<bool>& used,
                                 const std::vector<std::string>& records,
                                 std::string_view tail = "\"1,}") {
  PaddedRecords padded(records, tail);
  JsonReader general(schema, used, false), predicting(schema, used, false);
  general.set_prediction(false);
  auto expected = decode_all(general, schema, used, padded.views());
  auto seen = decode_all(predicting, schema, used, padded.views());
  for (std::size_t i = 0; i < records.size(); ++i) EXPECT_EQ(expected[i], seen[i]) << records[i];
  return predicting.predicted_records();
}

TEST(JsonShape, predicts_records_of_one_producer) {
  std::vector<std::string> records;
  for (int i = 0; i < 100; ++i)
    records.push_back("{\"id\":" + std::to_string(i * i * 977) + ", \"name\":\"n" +
                      std::string(static_cast<std::size_t>(i), 'x') + "\", \"rate\":-" +
                      std::to_string(i) + ".5}");
  std::vector<bool> used(8, true);
  EXPECT_EQ(expect_equal_paths(wide_schema(), used, records), 99u);
}

TEST(JsonShape, keeps_several_shapes) {
  std::vector<std::string> records;
  for (int i = 0; i < 60; ++i) {
    std::string n = std::to_string(i);
    if (i % 3 == 0) records.push_back("{\"id\":" + n + "}");
    if (i % 3 == 1) records.push_back("{\"name\":\"" + n + "\",\"id\":" + n + "}");
    if (i % 3 == 2) records.push_back("{\"n\":null,\"ok\":false}");
  }
  std::vector<bool> used(8, true);
  EXPECT_EQ(expect_equal_paths(wide_schema(), used, records), 57u);
}

TEST(JsonShape, agrees_on_records_cut_at_every_byte) {
  std::vector<bool> used(8, true);
  for (std::string_view tail : {"\"1,}", "}", "0", "x", "\"", "\\"}) {
    std::vector<std::string> records{kRecord};
    for (std::size_t n = 0; n < kRecord.size(); ++n) {
      records.push_back(kRecord.substr(0, n));
      records.push_back(kRecord + kRecord.substr(0, n));
    }
    records.push_back(kRecord);
    EXPECT_GE(expect_equal_paths(wide_schema(), used, records, tail), 1u);
  }
}

TEST(JsonShape, agrees_on_every_byte_replaced) {
  constexpr char kBytes[] = "\"\\{}[]:,019-+.eE tfn\n\t\0\x1f\x7f\x80\xc3\xff";
  const std::string replacements(kBytes, sizeof kBytes - 1);
  std::vector<std::vector<bool>> projections{std::vector<bool>(8, true),
                                             std::vector<bool>(8, false)};
  projections[1][0] = true;
  for (const auto& used : projections) {
    for (std::size_t at = 0; at < kRecord.size(); ++at) {
      std::vector<std::string> records{kRecord};
      for (char c : replacements) {
        records.push_back(kRecord);
        records.back()[at] = c;
      }
      expect_equal_paths(wide_schema(), used, records);
    }
  }
}

TEST(JsonShape, agrees_on_random_mixtures) {
  std::mt19937 random(1);
  const char* values[] = {"0",
                          "-0",
                          "7",
                          "12345678",
                          "123456789",
                          "1234567890123456",
                          "12345678901234567",
                          "99999999999999999999",
                          "1.5",
                          "1e5",
                          "0.1e-3",
                          "007",
                          "\"\"",
                          "\"42\"",
                          "\"a\\nb\"",
                          "\"\xC3\xA9\"",
                          "\"\xC3\"",
                          "\"YWJj\"",
                          "true",
                          "false",
                          "null",
                          "[]",
                          "{\"a\":1}",
                          "-",
                          "\"2.50\"",
                          "1.",
                          "2.255"};
  const char* names[] = {"id", "ID", "n",   "price", "rate",    "name",
                         "ok", "at", "raw", "x",     "i\\u0064"};
  std::vector<std::string> records;
  for (int i = 0; i < 20000; ++i) {
    std::string record = "{";
    // Few different layouts, so that predictions are made and fail.
    unsigned first = random() % 3, count = 1 + random() % 4;
    for (unsigned k = 0; k < count; ++k) {
      if (k > 0) record += ",";
      record += "\"" + std::string(names[(first + k * 2) % std::size(names)]) + "\":";
      record += values[random() % std::size(values)];
    }
    records.push_back(record + "}");
  }
  std::vector<bool> all(8, true), some{true, false, false, false, true, false, false, false};
  EXPECT_GT(expect_equal_paths(wide_schema(), all, records), 200u);
  EXPECT_GT(expect_equal_paths(wide_schema(), some, records), 200u);
}

// A value with objects and arrays in it, of few different builds; now and then one that is broken.
std::string nested_value(std::mt19937& random, int depth) {
  static constexpr std::string_view kScalars[] = {
      "1",           "-20.5",       "1e3",     "01",           "true",
      "false",       "null",        "\"\"",    "\"web\"",      "\"said \\\"yes\\\"\"",
      "\"\\u00e9\"", "\"\\ud800\"", "\"\\x\"", "\"\xC3\xA9\"", "\"\xC3\"",
      "\"a\tb\""};
  if (depth == 0 || random() % 3 == 0) {
    // Mostly those that are good, else nearly every record would be refused.
    const std::size_t count = random() % 16 == 0 ? std::size(kScalars) : 2;
    return std::string(kScalars[random() % count]);
  }
  const bool object = random() % 2 == 0;
  std::string text(1, object ? '{' : '[');
  const unsigned parts = random() % 3;
  for (unsigned i = 0; i < parts; ++i) {
    if (i > 0) text += random() % 8 == 0 ? " , " : ",";
    if (object) text += i == 0 ? "\"a\":" : "\"b\\\"\" : ";
    text += nested_value(random, depth - 1);
  }
  text += object ? '}' : ']';
  if (random() % 40 == 0) text[random() % text.size()] = ',';
  return text;
}

TEST(JsonShape, agrees_on_nested_members_that_nobody_reads) {
  std::mt19937 random(2);
  std::vector<std::string> records;
  for (int i = 0; i < 20000; ++i)
    records.push_back("{\"id\":" + std::to_string(i) + ",\"m\":" + nested_value(random, 3) +
                      ",\"name\":\"n\",\"l\":" + nested_value(random, 2) + "}");
  std::vector<bool> used{true, false, false, false, true, false, false, false};
  EXPECT_GT(expect_equal_paths(wide_schema(), used, records), 2000u);
}

TEST(JsonShape, agrees_on_every_byte_of_a_nested_member_replaced) {
  const std::string record =
      R"({"id":7,"m":{"source":"w\"b","tags":["a",{}, "b\u0041"],"r":-7.5,"t":true},"n":1})";
  std::vector<bool> used{true, true, false, false, false, false, false, false};
  for (std::size_t at = 0; at < record.size(); ++at) {
    std::vector<std::string> records{record};
    for (char c : std::string_view("\"\\{}[]:,019-+.eE tfnu\n\x01\x80")) {
      records.push_back(record);
      records.back()[at] = c;
    }
    records.push_back(record.substr(0, at));
    records.push_back(record.substr(0, at) + record);
    records.push_back(record);
    expect_equal_paths(wide_schema(), used, records);
  }
}

TEST(JsonShape, nested_members_of_other_builds_and_sizes_are_predicted_too) {
  const auto record = [](const std::string& nested) {
    return R"({"id":1,"m":)" + nested + R"(,"name":"n"})";
  };
  std::string many = "[0", deep, ending;
  for (std::size_t i = 0; i < 2 * kShapeNestedValuesMax; ++i) many += ",1";
  many += ']';
  for (std::size_t i = 0; i + 1 < kJsonDepthMax; ++i) {
    deep += R"({"a":)";
    ending += '}';
  }
  const std::vector<std::string> nested{R"({"a":1})",
                                        R"({"a":"x","b":[1,2]})",
                                        "[]",
                                        "{}",
                                        R"({"a":true})",
                                        R"({"a":false})",
                                        many,
                                        R"(["\\","\u0041\n"])",
                                        "{\"" + std::string(kShapeNestedTextMax, 'k') + "\":1}",
                                        deep + "1" + ending};
  std::vector<bool> used{true, false, false, false, true, false, false, false};
  for (const std::string& first : nested) {  // the one that is learned
    std::vector<std::string> records{record(first)};
    for (const std::string& other : nested) records.push_back(record(other));
    EXPECT_EQ(expect_equal_paths(wide_schema(), used, records), nested.size()) << first;
  }
  std::vector<std::string> too_deep{record("{}"), record("[" + deep + "1" + ending + "]")};
  EXPECT_EQ(expect_equal_paths(wide_schema(), used, too_deep), 0u);
}

TEST(JsonShape, long_names_and_many_members_are_covered_up_to_the_limits) {
  auto schema = schema_of({{"ID", type_of(TypeKind::bigint)}});
  auto record = [](std::size_t members, std::size_t name_size) {
    std::string text = "{\"id\":5";
    for (std::size_t i = 1; i < members; ++i)
      text += ",\"" + std::string(name_size, 'k') + std::to_string(i) + "\":1";
    return text + "}";
  };
  EXPECT_EQ(expect_equal_paths(schema, {true}, std::vector(3, record(3, 300))), 2u);
  EXPECT_EQ(expect_equal_paths(schema, {true}, std::vector(3, record(kShapeValuesMax, 10))), 2u);
  EXPECT_EQ(expect_equal_paths(schema, {true}, std::vector(3, record(kShapeValuesMax + 1, 10))),
            0u);
  EXPECT_EQ(expect_equal_paths(schema, {true}, std::vector(3, record(2, kShapeTextMax))), 0u);
}

}  // namespace
}  // namespace penstock::format
