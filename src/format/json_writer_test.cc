#include "format/json_writer.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "base/json.h"
#include "format/format_testing.h"
#include "format/json_put.h"
#include "format/json_reader.h"
#include "format/row_json.h"

namespace penstock::format {
namespace {

using data::Null;
using data::Type;
using data::TypeKind;
using data::Value;
using testing::decimal_of;
using testing::schema_of;
using testing::type_of;

// Rows of values, written; nullopt for a null entry.
std::vector<std::optional<std::string>> write_all(const data::Schema& schema,
                                                  const std::vector<std::vector<Value>>& rows,
                                                  bool unwrapped = false) {
  data::Arena arena;
  std::vector<std::unique_ptr<data::Column>> owned;
  std::vector<const data::Column*> columns;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    owned.push_back(std::make_unique<data::Column>(schema.columns[i].type));
    owned.back()->reset(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row)
      data::set_value(*owned.back(), row, rows[row][i], arena);
    columns.push_back(owned.back().get());
  }
  std::vector<data::RowIndex> selection(rows.size());
  std::iota(selection.begin(), selection.end(), 0);
  JsonWriter writer(schema, unwrapped);
  EncodedRows out;
  data::RowErrors errors;
  writer.encode(columns, selection, out, errors);
  EXPECT_TRUE(errors.empty());
  std::vector<std::optional<std::string>> texts;
  for (std::size_t i = 0; i < out.size(); ++i)
    texts.push_back(out[i].is_null() ? std::nullopt
                                     : std::optional(std::string(as_text(out[i].bytes()))));
  return texts;
}

TEST(EncodedRows, have_a_byte_in_front_of_each_row) {
  EncodedRows rows('<');
  for (const std::string_view text : {"one", "", "three"}) {
    std::memcpy(rows.room(text.size()), text.data(), text.size());
    ASSERT_TRUE(rows.end_row(text.size()));
  }
  rows.end_null_row();
  std::memcpy(rows.room(1), "5", 1);
  ASSERT_TRUE(rows.end_row(1));
  EXPECT_EQ(as_text(rows.storage()), "<one<<three<5");
  EXPECT_EQ(as_text(rows[0].bytes()), "one");
  EXPECT_EQ(rows[1].size, 0u);
  EXPECT_FALSE(rows[1].is_null());
  EXPECT_EQ(as_text(rows[2].bytes()), "three");
  EXPECT_TRUE(rows[3].is_null());
}

TEST(JsonWriter, writes_every_column_under_its_declared_name) {
  auto schema =
      schema_of({{"ID", type_of(TypeKind::bigint)},
                 {"lower", type_of(TypeKind::string)},
                 {"q\"uote", type_of(TypeKind::boolean)},
                 {"P", decimal_of(6, 2)},
                 {"D", type_of(TypeKind::double_)},
                 {"T", type_of(TypeKind::timestamp)},
                 {"DAY", type_of(TypeKind::date)},
                 {"B", type_of(TypeKind::bytes)},
                 {"A_NAME_LONGER_THAN_THIRTY_TWO_CHARACTERS", type_of(TypeKind::integer)}});
  auto texts =
      write_all(schema, {{std::int64_t{-5}, std::string("a\"\\\n\x01/"), true, data::Int128{5},
                          1e10, std::int64_t{1700000000000}, 19000, std::string("\xff"), 7},
                         {Null{}, Null{}, Null{}, Null{}, Null{}, Null{}, Null{}, Null{}, Null{}}});
  EXPECT_EQ(
      texts[0],
      R"({"ID":-5,"lower":"a\"\\\n\u0001/","q\"uote":true,"P":0.05,"D":1.0E10,)"
      R"("T":1700000000000,"DAY":19000,"B":"/w==","A_NAME_LONGER_THAN_THIRTY_TWO_CHARACTERS":7})");
  EXPECT_EQ(texts[1],
            R"({"ID":null,"lower":null,"q\"uote":null,"P":null,"D":null,"T":null,"DAY":null,)"
            R"("B":null,"A_NAME_LONGER_THAN_THIRTY_TWO_CHARACTERS":null})");
}

TEST(JsonWriter, writes_bare_values_and_null_entries) {
  auto schema = schema_of({{"K", type_of(TypeKind::string)}});
  auto texts = write_all(schema, {{std::string("a b")}, {Null{}}, {std::string()}}, true);
  EXPECT_EQ(texts[0], "\"a b\"");
  EXPECT_EQ(texts[1], std::nullopt);
  EXPECT_EQ(texts[2], "\"\"");
}

TEST(JsonWriter, an_object_without_columns_is_empty) {
  EXPECT_EQ(write_all(schema_of({}), {{}})[0], "{}");
}

TEST(JsonWriter, writes_what_has_no_json_number_as_text) {
  auto schema = schema_of({{"D", type_of(TypeKind::double_)}});
  auto texts = write_all(schema, {{std::nan("")}, {-std::numeric_limits<double>::infinity()}});
  EXPECT_EQ(texts[0], R"({"D":"NaN"})");
  EXPECT_EQ(texts[1], R"({"D":"-Infinity"})");
}

TEST(JsonWriter, escapes_at_every_position_of_texts_of_every_length) {
  auto schema = schema_of({{"S", type_of(TypeKind::string)}});
  std::vector<std::vector<Value>> rows;
  std::vector<std::string> expected;
  for (std::size_t size = 0; size < 70; ++size)
    for (std::size_t at = 0; at <= size; ++at)
      for (char c : {'"', '\\', '\n', '\x1f', '\x7f', '\0'}) {
        std::string text(size, 'x');
        if (at < size) text[at] = c;
        rows.push_back({text});
        expected.push_back(text);
      }
  auto texts = write_all(schema, rows);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto parsed = parse_json(*texts[i], "row");
    ASSERT_TRUE(parsed.has_value()) << *texts[i];
    EXPECT_EQ((*parsed)["S"].get<std::string>(), expected[i]);
  }
}

TEST(JsonWriter, what_it_writes_reads_back_equal) {
  auto schema = schema_of({{"A", type_of(TypeKind::bigint)},
                           {"B", type_of(TypeKind::double_)},
                           {"C", decimal_of(38, 10)},
                           {"D", type_of(TypeKind::string)},
                           {"E", type_of(TypeKind::bytes)},
                           {"F", type_of(TypeKind::integer)}});
  std::mt19937_64 random(7);
  std::vector<std::vector<Value>> rows;
  for (int i = 0; i < 500; ++i) {
    std::string text(random() % 100, 'a');
    for (char& c : text) c = static_cast<char>(random() % 128);
    auto bits = random();
    double number;
    std::memcpy(&number, &bits, sizeof number);
    if (!std::isfinite(number)) number = 0.5;
    auto wide = static_cast<data::Int128>(static_cast<std::int64_t>(random())) * 1'000'000'000'000;
    rows.push_back({static_cast<std::int64_t>(random()), number, wide, text, text,
                    static_cast<std::int32_t>(random())});
    if (i % 7 == 0) rows.back()[static_cast<std::size_t>(i) % 6] = Null{};
  }
  auto texts = write_all(schema, rows);
  std::vector<std::string> records;
  for (auto& text : texts) records.push_back(*text);
  testing::PaddedRecords padded(records);
  std::vector<bool> used(6, true);
  JsonReader reader(schema, used, false);
  auto read = testing::decode_all(reader, schema, used, padded.views());
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(read[i], (testing::DecodedRow{rows[i], ""})) << records[i];
}

TEST(RowJson, gives_values_the_forms_of_rest_rows) {
  struct Case {
    Value value;
    Type type;
    const char* json;
  } cases[] = {
      {Null{}, Type(TypeKind::bigint), "null"},
      {true, Type(TypeKind::boolean), "true"},
      {std::int64_t{-3}, Type(TypeKind::bigint), "-3"},
      {10.0, Type(TypeKind::double_), "10.0"},
      {1e-4, Type(TypeKind::double_), "1.0E-4"},
      {data::Int128{1200}, decimal_of(6, 2), "12.00"},
      {std::string("a\"b"), Type(TypeKind::string), R"("a\"b")"},
      {std::string("\x01\x02"), Type(TypeKind::bytes), R"("AQI=")"},
      {19000, Type(TypeKind::date), R"("2022-01-08")"},
      {3'723'004, Type(TypeKind::time), R"("01:02:03.004")"},
      {std::int64_t{1641600000006}, Type(TypeKind::timestamp), R"("2022-01-08T00:00:00.006")"}};
  std::string all;
  for (const Case& c : cases) {
    std::string out;
    append_json(out, c.value, c.type);
    EXPECT_EQ(out, c.json);
  }
  Value values[] = {1, std::string("x")};
  append_json_row(all, values,
                  schema_of({{"A", Type(TypeKind::integer)}, {"B", Type(TypeKind::string)}}));
  EXPECT_EQ(all, R"([1,"x"])");
  std::string broken;
  append_json_string(broken,
                     "a\xff"
                     "b\x01");
  EXPECT_EQ(broken,
            "\"a\xEF\xBF\xBD"
            "b\\u0001\"");
}

TEST(JsonPut, IntegersHaveTheirDigits) {
  std::mt19937_64 random(5);  // NOLINT: the same each time
  std::vector<std::int64_t> numbers = {0, std::numeric_limits<std::int64_t>::min(),
                                       std::numeric_limits<std::int64_t>::max()};
  for (std::int64_t power = 1; power < 1'000'000'000'000'000'000; power *= 10)
    for (const std::int64_t near : {power - 1, power, power + 1, -power, 1 - power})
      numbers.push_back(near);
  for (int i = 0; i < 2000; ++i)
    numbers.push_back(static_cast<std::int64_t>(random() >> (random() % 64)));
  for (const std::int64_t number : numbers) {
    char text[kIntegerTextMax];
    EXPECT_EQ(std::string(text, put_integer(text, number)), std::to_string(number));
  }
}

TEST(JsonPut, TextsOfAnyLengthAreEscapedWhereTheyMustBe) {
  std::mt19937 random(6);  // NOLINT: the same each time
  for (int i = 0; i < 3000; ++i) {
    std::string text(random() % 100, 'a');
    for (char& c : text) c = random() % 40 == 0 ? "\"\\\n\x01\x1f"[random() % 5] : 'b';
    std::string out(escaped_size_max(text.size()), '\0');
    out.resize(static_cast<std::size_t>(put_escaped(out.data(), text) - out.data()));
    EXPECT_EQ(Json::parse('"' + out + '"').get<std::string>(), text);
  }
}

}  // namespace
}  // namespace penstock::format
