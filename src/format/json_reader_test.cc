#include "format/json_reader.h"

#include <limits>

#include <gtest/gtest.h>

#include "format/format_testing.h"

namespace penstock::format {
namespace {

using data::Int128;
using data::Null;
using data::Type;
using data::TypeKind;
using data::Value;
using testing::decimal_of;
using testing::decode_all;
using testing::DecodedRow;
using testing::PaddedRecords;
using testing::schema_of;
using testing::type_of;

// Reads one record three times: by the general path, predicted from itself, and after its like.
DecodedRow read_json(const data::Schema& schema, const std::string& record,
                     bool unwrapped = false) {
  std::vector<bool> used(schema.columns.size(), true);
  std::vector<std::string> thrice(3, record);
  PaddedRecords padded(thrice);
  JsonReader general(schema, used, unwrapped), predicting(schema, used, unwrapped);
  general.set_prediction(false);
  auto plain = decode_all(general, schema, used, padded.views());
  EXPECT_EQ(plain, decode_all(predicting, schema, used, padded.views())) << record;
  EXPECT_EQ(plain[0], plain[2]);
  return plain[0];
}

// The value that a column of the type gets from {"V":<json>}; nullopt when the record fails.
std::optional<Value> value_of(const Type& type, const std::string& json) {
  DecodedRow row = read_json(schema_of({{"V", type}}), "{\"V\":" + json + "}");
  if (!row.reason.empty()) return std::nullopt;
  return row.values[0];
}

std::string reason_of(const Type& type, const std::string& json) {
  return read_json(schema_of({{"V", type}}), "{\"V\":" + json + "}").reason;
}

std::string reason_of_record(const std::string& record) {
  return read_json(schema_of({{"V", type_of(TypeKind::string)}}), record).reason;
}

TEST(JsonReader, takes_integers_from_numbers_and_texts) {
  Type bigint(TypeKind::bigint), integer(TypeKind::integer);
  EXPECT_EQ(value_of(bigint, "0"), Value(std::int64_t{0}));
  EXPECT_EQ(value_of(bigint, "-1"), Value(std::int64_t{-1}));
  EXPECT_EQ(value_of(bigint, "1234567890123456"), Value(std::int64_t{1234567890123456}));
  EXPECT_EQ(value_of(bigint, "12345678901234567"), Value(std::int64_t{12345678901234567}));
  EXPECT_EQ(value_of(bigint, "9223372036854775807"), Value(INT64_MAX));
  EXPECT_EQ(value_of(bigint, "-9223372036854775808"), Value(INT64_MIN));
  EXPECT_EQ(value_of(bigint, "\"42\""), Value(std::int64_t{42}));
  EXPECT_EQ(value_of(bigint, "\"-9223372036854775808\""), Value(INT64_MIN));
  EXPECT_EQ(value_of(bigint, "1e3"), Value(std::int64_t{1000}));
  EXPECT_EQ(value_of(bigint, "10.9"), Value(std::int64_t{10}));
  EXPECT_EQ(value_of(bigint, "-10.9"), Value(std::int64_t{-10}));
  EXPECT_EQ(value_of(bigint, "1e-400"), Value(std::int64_t{0}));
  EXPECT_EQ(value_of(integer, "2147483647"), Value(std::int32_t{2147483647}));
  EXPECT_EQ(value_of(integer, "-2147483648"), Value(INT32_MIN));
  EXPECT_EQ(value_of(integer, "null"), Value(Null{}));
  EXPECT_EQ(value_of(Type(TypeKind::timestamp), "1700000000123"),
            Value(std::int64_t{1700000000123}));
  EXPECT_EQ(value_of(Type(TypeKind::date), "19000"), Value(std::int32_t{19000}));
  EXPECT_EQ(value_of(Type(TypeKind::time), "86399999"), Value(std::int32_t{86399999}));
}

TEST(JsonReader, refuses_integers_that_do_not_fit) {
  for (const char* json :
       {"2147483648", "-2147483649", "1e10", "99999999999999999999", "\"2147483648\""})
    EXPECT_EQ(reason_of(Type(TypeKind::integer), json), "number_out_of_range") << json;
  for (const char* json : {"9223372036854775808", "-9223372036854775809", "1e400",
                           "123456789012345678901234567890123456789012345678901234567890"})
    EXPECT_EQ(reason_of(Type(TypeKind::bigint), json), "number_out_of_range") << json;
}

TEST(JsonReader, refuses_values_of_a_type_that_the_column_does_not_take) {
  for (const char* json : {"true", "{}", "[1]", "\"\"", "\"1.5\"", "\"x\"", "\"1 \"", "\"--1\""})
    EXPECT_EQ(reason_of(Type(TypeKind::bigint), json), "wrong_type") << json;
  for (const char* json : {"1", "\"true\"", "[]"})
    EXPECT_EQ(reason_of(Type(TypeKind::boolean), json), "wrong_type") << json;
  for (const char* json : {"true", "\"nan\"", "\"0x10\"", "\"\"", "\"1e\"", "\"inf\""})
    EXPECT_EQ(reason_of(Type(TypeKind::double_), json), "wrong_type") << json;
}

TEST(JsonReader, reads_numbers_into_texts_as_the_jvm_prints_them) {
  const Type text(TypeKind::string);
  for (const auto& [json, printed] :
       std::vector<std::pair<std::string, std::string>>{{"12", "12"},
                                                        {"-0", "0"},
                                                        {"1.50", "1.50"},
                                                        {"-0.0", "0.0"},
                                                        {"1e5", "1E+5"},
                                                        {"1.50E3", "1.50E+3"},
                                                        {"15e-1", "1.5"},
                                                        {"1.0e-3", "0.0010"},
                                                        {"0.000001", "0.000001"},
                                                        {"0.0000001", "1E-7"},
                                                        {"-123.4500e+2", "-12345.00"},
                                                        {"0.0000000", "0E-7"},
                                                        {"1e99999999999", "1e99999999999"}}) {
    EXPECT_EQ(value_of(text, json), Value(printed)) << json;
  }
}

TEST(JsonReader, reads_lists_and_objects_into_texts) {
  const Type text(TypeKind::string);
  for (const auto& [json, printed] : std::vector<std::pair<std::string, std::string>>{
           {R"([1, "x",null, 1e5,["y" , {"b":true}]])", R"([1, x, null, 1E+5, [y, {"b":true}]])"},
           {R"({ "b" : 1, "a":[1, "z", 1e-6 ], "b":{"d":"\u00e9","c":null} })",
            R"({"a":[1,"z",0.000001],"b":{"c":null,"d":"é"}})"},
           {"{}", "{}"},
           {"[]", "[]"},
           {R"({"k":{}, "j":[ ]})", R"({"j":[],"k":{}})"},
           {R"(["a\"b", "\n"])", "[a\"b, \n]"},
           {R"({"a":"\"\n\/"})", R"({"a":"\"\n/"})"}}) {
    EXPECT_EQ(value_of(text, json), Value(printed)) << json;
  }
}

TEST(JsonReader, takes_what_doubles_are_written_as_that_are_no_numbers) {
  const Type type(TypeKind::double_);
  EXPECT_EQ(value_of(type, "\"NaN\""), Value(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_EQ(value_of(type, "\"Infinity\""), Value(std::numeric_limits<double>::infinity()));
  EXPECT_EQ(value_of(type, "\"-Infinity\""), Value(-std::numeric_limits<double>::infinity()));
}

TEST(JsonReader, takes_times_of_a_day_only) {
  for (const char* json : {"-1", "86400000", "\"86400000\""})
    EXPECT_EQ(reason_of(Type(TypeKind::time), json), "number_out_of_range") << json;
}

TEST(JsonReader, takes_doubles_exactly) {
  Type type(TypeKind::double_);
  EXPECT_EQ(value_of(type, "0.1"), Value(0.1));
  EXPECT_EQ(value_of(type, "-12"), Value(-12.0));
  EXPECT_EQ(value_of(type, "1.7976931348623157e308"), Value(1.7976931348623157e308));
  EXPECT_EQ(value_of(type, "5e-324"), Value(5e-324));
  EXPECT_EQ(value_of(type, "1e-999"), Value(0.0));
  EXPECT_EQ(value_of(type, "\"2.5E1\""), Value(25.0));
  EXPECT_EQ(reason_of(type, "1e999"), "number_out_of_range");
  EXPECT_EQ(reason_of(type, "-" + std::string(400, '9')), "number_out_of_range");
}

TEST(JsonReader, takes_decimals_exactly_or_not_at_all) {
  Type type = decimal_of(5, 2);
  EXPECT_EQ(value_of(type, "12.5"), Value(Int128{1250}));
  EXPECT_EQ(value_of(type, "\"-999.99\""), Value(Int128{-99999}));
  EXPECT_EQ(value_of(type, "1e2"), Value(Int128{10000}));
  EXPECT_EQ(value_of(type, "1.2500"), Value(Int128{125}));
  EXPECT_EQ(reason_of(type, "1.255"), "decimal_needs_rounding");
  EXPECT_EQ(reason_of(type, "1000"), "number_out_of_range");
  EXPECT_EQ(reason_of(type, "\"abc\""), "wrong_type");
  Int128 large = Int128{1234567890123456789} * 10'000'000'000 + 123456789;
  EXPECT_EQ(value_of(decimal_of(38, 0), "12345678901234567890123456789"), Value(large));
}

TEST(JsonReader, takes_booleans_and_bytes) {
  EXPECT_EQ(value_of(Type(TypeKind::boolean), "true"), Value(true));
  EXPECT_EQ(value_of(Type(TypeKind::boolean), "false"), Value(false));
  Type bytes(TypeKind::bytes);
  EXPECT_EQ(value_of(bytes, "\"\""), Value(std::string()));
  EXPECT_EQ(value_of(bytes, "\"AP9h\""), Value(std::string("\0\xff"
                                                           "a",
                                                           3)));
  EXPECT_EQ(value_of(bytes, "\"YQ==\""), Value(std::string("a")));
  EXPECT_EQ(value_of(bytes, "\"YQ\\u003d=\""), Value(std::string("a")));
  for (const char* json : {"\"YQ\"", "\"YR==\"", "\"Y===\"", "\"Y Q=\"", "\"Y-Q=\"", "\"====\""})
    EXPECT_EQ(reason_of(bytes, json), "invalid_base64") << json;
  EXPECT_EQ(reason_of(bytes, "12"), "wrong_type");
}

TEST(JsonReader, reads_any_value_into_a_string) {
  Type type(TypeKind::string);
  EXPECT_EQ(value_of(type, "\"plain\""), Value(std::string("plain")));
  EXPECT_EQ(value_of(type, "\"\""), Value(std::string()));
  EXPECT_EQ(value_of(type, "-1.50e3"), Value(std::string("-1.50E+3")));
  EXPECT_EQ(value_of(type, "17"), Value(std::string("17")));
  EXPECT_EQ(value_of(type, "true"), Value(std::string("true")));
  EXPECT_EQ(value_of(type, "null"), Value(Null{}));
  EXPECT_EQ(value_of(type, "{ \"a\" : [ 1 , \"x \\\" y\" ] }"),
            Value(std::string(R"({"a":[1,"x \" y"]})")));
  EXPECT_EQ(value_of(type, "[]"), Value(std::string("[]")));
}

TEST(JsonReader, undoes_escapes) {
  Type type(TypeKind::string);
  EXPECT_EQ(value_of(type, R"("a\"\\\/\b\f\n\r\tz")"), Value(std::string("a\"\\/\b\f\n\r\tz")));
  EXPECT_EQ(value_of(type, R"("\u0041\u00e9\u20AC")"), Value(std::string("A\xC3\xA9\xE2\x82\xAC")));
  EXPECT_EQ(value_of(type, R"("\uD83D\uDE00!")"), Value(std::string("\xF0\x9F\x98\x80!")));
  EXPECT_EQ(value_of(type, R"("\u0000")"), Value(std::string(1, '\0')));
}

TEST(JsonReader, keeps_texts_beyond_ascii_whole) {
  std::string text = "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  EXPECT_EQ(value_of(Type(TypeKind::string), "\"" + text + "\""), Value(text));
  std::string longer;
  for (int i = 0; i < 20; ++i) longer += "abcde" + text;
  EXPECT_EQ(value_of(Type(TypeKind::string), "\"" + longer + "\""), Value(longer));
}

TEST(JsonReader, refuses_what_is_not_json) {
  const std::string deep = std::string(65, '[') + std::string(65, ']');
  struct Case {
    std::string record;
    const char* reason;
  } cases[] = {{"", "malformed_json"},
               {"   ", "malformed_json"},
               {"{", "malformed_json"},
               {"\xEF\xBB\xBF{\"V\":1}", "byte_order_mark"},
               {std::string("\0\0\0\0\7{\"V\":1}", 12), "schema_registry_framing"},
               {std::string("\0{}", 3), "malformed_json"},
               {"{}}", "malformed_json"},
               {"{\"V\":1}x", "malformed_json"},
               {"{\"V\":1}{}", "malformed_json"},
               {"{\"V\":1,}", "malformed_json"},
               {"{\"V\" 1}", "malformed_json"},
               {"{V:1}", "malformed_json"},
               {"{\"V\":}", "malformed_json"},
               {"{,}", "malformed_json"},
               {"{\"V\":1 2}", "malformed_json"},
               {"{\"V\":\"a\" \"b\"}", "malformed_json"},
               {"{\"V\":\"a\"b}", "malformed_json"},
               {"{\"V\":1\"b\"}", "malformed_json"},
               {"{\"V\":01}", "malformed_json"},
               {"{\"V\":-}", "malformed_json"},
               {"{\"V\":1.}", "malformed_json"},
               {"{\"V\":.5}", "malformed_json"},
               {"{\"V\":1e}", "malformed_json"},
               {"{\"V\":+1}", "malformed_json"},
               {"{\"V\":0x1}", "malformed_json"},
               {"{\"V\":NaN}", "malformed_json"},
               {"{\"V\":tru}", "malformed_json"},
               {"{\"V\":truee}", "malformed_json"},
               {"{\"V\":nul}", "malformed_json"},
               {"{\"V\":\"\\q\"}", "malformed_json"},
               {"{\"V\":\"\\u12g4\"}", "malformed_json"},
               {"{\"V\":\"\\uD800\"}", "malformed_json"},
               {"{\"V\":\"\\uDC00\\uD800\"}", "malformed_json"},
               {"{\"V\":\"\\uD800\\u0041\"}", "malformed_json"},
               {"{\"V\":\"a\nb\"}", "malformed_json"},
               {std::string("{\"V\":\"a\0b\"}", 11), "malformed_json"},
               {std::string("{\"V\":\0}", 7), "malformed_json"},
               {"{\"V\":[1,2}", "malformed_json"},
               {"{\"V\":[1}]", "malformed_json"},
               {"{\"V\":[1,]}", "malformed_json"},
               {"{\"V\":{\"a\"}}", "malformed_json"},
               {"{\"V\":{\"a\":1,}}", "malformed_json"},
               {"{\"V\":{1:2}}", "malformed_json"},
               {"{\"x\":\"\\q\",\"V\":1}", "malformed_json"},
               {"{\"V\":1,\"x\":tru}", "malformed_json"},
               {"{\"V\":1,\"x\":[}", "malformed_json"},
               {"{\"V\":\"\xC3\x28\"}", "invalid_utf8"},
               {"{\"V\":\"\xED\xA0\x80\"}", "invalid_utf8"},
               {"{\"V\":\"\xF8\x88\x80\x80\x80\"}", "invalid_utf8"},
               {"{\"V\":\"\xC0\xAF\"}", "invalid_utf8"},
               {"{\"V\":1,\"\xFF\":2}", "invalid_utf8"},
               {"[1]", "not_an_object"},
               {"\"x\"", "not_an_object"},
               {"12", "not_an_object"},
               {"null", "not_an_object"},
               {"[1", "malformed_json"},
               {"{\"V\":" + deep + "}", "too_deep"}};
  for (const Case& c : cases) EXPECT_EQ(reason_of_record(c.record), c.reason) << c.record;
}

TEST(JsonReader, bounds_depth_and_size) {
  const std::string at_limit = std::string(63, '[') + std::string(63, ']');
  EXPECT_EQ(reason_of_record("{\"V\":" + at_limit + "}"), "");
  EXPECT_EQ(reason_of_record("{\"V\":[" + at_limit + "]}"), "too_deep");
  EXPECT_EQ(reason_of_record("{\"x\":[" + at_limit + "],\"V\":1}"), "too_deep");
  std::string large = "{\"V\":\"" + std::string(kValueBytesMax - 8, 'a') + "\"}";
  EXPECT_EQ(large.size(), kValueBytesMax);
  EXPECT_EQ(reason_of_record(large), "");
  EXPECT_EQ(reason_of_record(large + " "), "too_large");
}

TEST(JsonReader, matches_names_exactly_then_in_upper_case) {
  auto schema =
      schema_of({{"AUCTION", type_of(TypeKind::bigint)}, {"price", type_of(TypeKind::bigint)}});
  auto values = [&](const std::string& record) { return read_json(schema, record).values; };
  std::int64_t one = 1, two = 2;
  EXPECT_EQ(values(R"({"auction":1,"price":2})"), (std::vector<Value>{one, two}));
  EXPECT_EQ(values(R"({"Auction":1,"PRICE":2})"), (std::vector<Value>{one, Null{}}));
  EXPECT_EQ(values(R"({"AUCTION":1,"auction":2})"), (std::vector<Value>{one, Null{}}));
  EXPECT_EQ(values(R"({"auction":2,"AUCTION":1})"), (std::vector<Value>{one, Null{}}));
  EXPECT_EQ(values(R"({"auction":1,"auction":2})"), (std::vector<Value>{two, Null{}}));
  EXPECT_EQ(values(R"({"auct\u0069on":1})"), (std::vector<Value>{one, Null{}}));
  EXPECT_EQ(values(R"({})"), (std::vector<Value>{Null{}, Null{}}));
  EXPECT_EQ(values(R"( { "price" : 2 , "auction" : 1 } )"), (std::vector<Value>{one, two}));
}

TEST(JsonReader, reads_only_the_columns_that_are_used) {
  auto schema = schema_of({{"A", type_of(TypeKind::bigint)},
                           {"B", type_of(TypeKind::bigint)},
                           {"C", type_of(TypeKind::string)}});
  std::vector<bool> used{false, false, true};
  JsonReader reader(schema, used, false);
  std::vector<std::string> records{R"({"a":"no number","b":[],"c":"x"})",
                                   R"({"a":1,"b":2,"c":"y"})"};
  PaddedRecords padded(records);
  auto rows = decode_all(reader, schema, used, padded.views());
  EXPECT_EQ(rows[0], (DecodedRow{{std::string("x")}, ""}));
  EXPECT_EQ(rows[1], (DecodedRow{{std::string("y")}, ""}));
}

TEST(JsonReader, reads_bare_values) {
  auto schema = schema_of({{"K", type_of(TypeKind::string)}});
  EXPECT_EQ(read_json(schema, "\"a\"", true).values[0], Value(std::string("a")));
  EXPECT_EQ(read_json(schema, " 12 ", true).values[0], Value(std::string("12")));
  EXPECT_EQ(read_json(schema, "{\"a\": 1}", true).values[0], Value(std::string("{\"a\":1}")));
  EXPECT_EQ(read_json(schema, "null", true), (DecodedRow{{Null{}}, ""}));
  EXPECT_EQ(read_json(schema, "1 2", true).reason, "malformed_json");
  EXPECT_EQ(read_json(schema_of({{"K", type_of(TypeKind::integer)}}), "7", true).values[0],
            Value(std::int32_t{7}));
}

TEST(JsonReader, a_null_value_is_null_in_every_column_and_a_bad_one_spoils_no_other) {
  auto schema = schema_of({{"V", type_of(TypeKind::bigint)}});
  std::vector<bool> used{true};
  JsonReader reader(schema, used, false);
  std::vector<std::string> records{R"({"V":1})",    "",          R"({"V":tru})", R"({"V":2})",
                                   R"({"V":null})", R"({"V":3})"};
  PaddedRecords padded(records);
  padded.views()[1] = {};
  auto rows = decode_all(reader, schema, used, padded.views());
  EXPECT_EQ(rows[0], (DecodedRow{{std::int64_t{1}}, ""}));
  EXPECT_EQ(rows[1], (DecodedRow{{Null{}}, ""}));
  EXPECT_EQ(rows[2], (DecodedRow{{Null{}}, "malformed_json"}));
  EXPECT_EQ(rows[3], (DecodedRow{{std::int64_t{2}}, ""}));
  EXPECT_EQ(rows[4], (DecodedRow{{Null{}}, ""}));
  EXPECT_EQ(rows[5], (DecodedRow{{std::int64_t{3}}, ""}));
}

TEST(JsonReader, keeps_strings_without_escapes_in_place) {
  auto schema = schema_of({{"V", type_of(TypeKind::string)}});
  JsonReader reader(schema, {true}, false);
  std::vector<std::string> records{R"({"V":"first"})", R"({"V":"second"})"};
  PaddedRecords padded(records);
  data::Column column(type_of(TypeKind::string));
  data::Column* out[] = {&column};
  data::RowIndex rows[] = {0, 1};
  data::Arena arena;
  RowFailures failures;
  reader.decode(padded.views(), rows, out, arena, failures);
  for (data::RowIndex row : rows) {
    auto begin = reinterpret_cast<const char*>(padded.views()[row].data());
    EXPECT_EQ(column.values<data::Text>()[row].data, begin + 6);
  }
  EXPECT_EQ(arena.used_bytes(), 0u);
  EXPECT_EQ(reader.predicted_records(), 1u);
}

}  // namespace
}  // namespace penstock::format
