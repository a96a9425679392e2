#include <gtest/gtest.h>

#include "format/format_testing.h"
#include "format/reader.h"
#include "format/writer.h"

namespace penstock::format {
namespace {

using data::Null;
using data::TypeKind;
using data::Value;
using testing::decode_all;
using testing::DecodedRow;
using testing::PaddedRecords;
using testing::schema_of;
using testing::type_of;

const data::Schema kThree = schema_of({{"A", type_of(TypeKind::integer)},
                                       {"B", type_of(TypeKind::string)},
                                       {"C", type_of(TypeKind::boolean)}});

DecodedRow read_one(const data::Schema& schema, const std::string& record, char delimiter = ',') {
  std::vector<bool> used(schema.columns.size(), true);
  auto reader = make_reader(schema, used, {Kind::delimited, delimiter, false}).value();
  std::vector<std::string> records{record};
  PaddedRecords padded(records);
  return decode_all(*reader, schema, used, padded.views())[0];
}

std::string write_one(const std::vector<Value>& values, const data::Schema& schema,
                      char delimiter = ',') {
  data::Arena arena;
  std::vector<std::unique_ptr<data::Column>> owned;
  std::vector<const data::Column*> columns;
  for (std::size_t i = 0; i < values.size(); ++i) {
    owned.push_back(std::make_unique<data::Column>(schema.columns[i].type));
    owned.back()->reset(1);
    data::set_value(*owned.back(), 0, values[i], arena);
    columns.push_back(owned.back().get());
  }
  auto writer = make_writer(schema, {Kind::delimited, delimiter, false}).value();
  EncodedRows out;
  data::RowErrors errors;
  data::RowIndex rows[] = {0};
  writer->encode(columns, rows, out, errors);
  EXPECT_TRUE(errors.empty());
  return std::string(as_text(out[0].bytes()));
}

TEST(Delimited, reads_fields_by_position) {
  struct Case {
    std::string record;
    DecodedRow row;
  } cases[] = {{"1,x,true", {{1, std::string("x"), true}, ""}},
               {"-2,\"a,\"\"b\"\"\",TRUE\r\n", {{-2, std::string("a,\"b\""), true}, ""}},
               {",,", {{Null{}, Null{}, Null{}}, ""}},
               {"1,\"\",no", {{1, Null{}, false}, ""}},
               {"1,\"two\nlines\" ,false", {{1, std::string("two\nlines"), false}, ""}},
               {"1, x ,false\n", {{1, std::string(" x "), false}, ""}},
               {"1,a\"b,false", {{1, std::string("a\"b"), false}, ""}}};
  for (const Case& c : cases) EXPECT_EQ(read_one(kThree, c.record), c.row) << c.record;
}

TEST(Delimited, says_why_a_record_is_refused) {
  struct Case {
    std::string record;
    const char* reason;
  } cases[] = {{"", "wrong_column_count"},           {"1,x", "wrong_column_count"},
               {"1,x,true,4", "wrong_column_count"}, {"1,x,true,", "wrong_column_count"},
               {"1,\"x,true", "malformed_quotes"},   {"1,\"x\"y,true", "malformed_quotes"},
               {"x,x,true", "wrong_type"},           {"2147483648,x,true", "number_out_of_range"},
               {"1,\xFF,true", "invalid_utf8"}};
  for (const Case& c : cases) {
    DecodedRow row = read_one(kThree, c.record);
    EXPECT_EQ(row.reason, c.reason) << c.record;
    EXPECT_EQ(row.values, (std::vector<Value>{Null{}, Null{}, Null{}}));
  }
}

TEST(Delimited, takes_other_delimiters) {
  EXPECT_EQ(read_one(kThree, "1\tx,y\ttrue", '\t').values[1], Value(std::string("x,y")));
  EXPECT_EQ(read_one(kThree, "1 \"x y\" true", ' ').values[1], Value(std::string("x y")));
}

TEST(Delimited, quotes_what_needs_quotes_and_reads_it_back) {
  const std::string texts[] = {"plain",  "a,b", "a\"b", "line\nbreak", " lead",
                               "trail ", "#x",  "!",    "\xC3\xA9",    "a\rb"};
  EXPECT_EQ(write_one({1, std::string("a,b"), true}, kThree), "1,\"a,b\",true");
  EXPECT_EQ(write_one({1, std::string("a\"b"), Null{}}, kThree), "1,\"a\"\"b\",");
  EXPECT_EQ(write_one({Null{}, Null{}, Null{}}, kThree), ",,");
  EXPECT_EQ(write_one({std::string()}, schema_of({{"A", type_of(TypeKind::string)}})), "\"\"");
  for (char delimiter : {',', '\t', ' ', '|'})
    for (const std::string& text : texts) {
      std::string record = write_one({5, text, false}, kThree, delimiter);
      EXPECT_EQ(read_one(kThree, record, delimiter), (DecodedRow{{5, text, false}, ""})) << record;
    }
}

TEST(Delimited, writes_numbers_as_the_jvm_does) {
  auto schema = schema_of({{"D", type_of(TypeKind::double_)},
                           {"N", testing::decimal_of(6, 3)},
                           {"T", type_of(TypeKind::timestamp)},
                           {"X", type_of(TypeKind::bytes)}});
  EXPECT_EQ(write_one({1e10, data::Int128{-1500}, std::int64_t{17}, std::string("abc")}, schema),
            "1.0E10,-1.500,17,YWJj");
}

}  // namespace
}  // namespace penstock::format
