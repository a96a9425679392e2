// Nested JSON: read, and written again.
#include "format/json_nested.h"

#include <gtest/gtest.h>

#include "format/format_testing.h"
#include "format/reader.h"
#include "format/reasons.h"
#include "format/writer.h"

namespace penstock::format {
namespace {

using testing::DecodedRow;
using testing::PaddedRecords;

data::Type nested_type() {
  const data::Type integer(data::TypeKind::integer), text(data::TypeKind::string);
  return data::Type::structure(
      {{"L", data::Type::array(integer)},
       {"M", data::Type::map(text, data::Type::array(text))},
       {"s", data::Type::structure({{"A", integer}, {"B", data::Type(data::TypeKind::boolean)}})}});
}

// What a record's column V becomes, as JSON again, or the reason of its failure.
std::vector<std::string> round_trips(const std::vector<std::string>& records) {
  const data::Schema schema = testing::schema_of({{"V", nested_type()}});
  auto reader = make_reader(schema, {true}, {}).value();
  auto writer = make_writer(schema, {}).value();
  PaddedRecords padded(records);
  data::Arena arena;
  data::Column column(nested_type());
  data::Column* columns[] = {&column};
  const data::Column* views[] = {&column};
  std::vector<data::RowIndex> rows(records.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<data::RowIndex>(i);
  RowFailures failures, errors;
  reader->decode(padded.views(), rows, columns, arena, failures);
  EncodedRows encoded;
  writer->encode(views, rows, encoded, errors);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.emplace_back(as_text(encoded[i].bytes()));
  for (const auto& entry : failures.entries()) out[entry.row] = entry.reason;
  return out;
}

std::string round_trip(const std::string& record) {
  return round_trips({record}).front();
}

TEST(JsonNested, ReadsAndWritesArraysMapsAndStructs) {
  EXPECT_EQ(
      round_trip(R"({"V":{"L":[1, null ,3],"M":{"k\"y":["a",null],"e":[]},"s":{"A":1,"B":true}}})"),
      R"({"V":{"L":[1,null,3],"M":{"k\"y":["a",null],"e":[]},"s":{"A":1,"B":true}}})");
  EXPECT_EQ(round_trip(R"({"V":null})"), R"({"V":null})");
  EXPECT_EQ(round_trip(R"({"V":{}})"), R"({"V":{"L":null,"M":null,"s":null}})");
}

TEST(JsonNested, FindsFieldsByTheirNameThenInUpperCase) {
  EXPECT_EQ(round_trip(R"({"v":{"l":[1],"S":{"A":1}}})"), R"({"V":{"L":[1],"M":null,"s":null}})");
  EXPECT_EQ(round_trip(R"({"V":{"L":[1],"l":[2]}})"), R"({"V":{"L":[1],"M":null,"s":null}})");
  EXPECT_EQ(round_trip(R"({"V":{"l":[1],"l":[2]}})"), R"({"V":{"L":[2],"M":null,"s":null}})");
}

TEST(JsonNested, KeepsTheLastOfEqualKeys) {
  EXPECT_EQ(round_trip(R"({"V":{"M":{"a":["x"],"b":[],"\u0061":["y"]}}})"),
            R"({"V":{"L":null,"M":{"a":["y"],"b":[]},"s":null}})");
}

TEST(JsonNested, TakesAnyValueAsTextWithinNestedOnes) {
  EXPECT_EQ(round_trip(R"({"V":{"M":{"a":[1.50,{"b" : [1, 2]},true]}}})"),
            R"({"V":{"L":null,"M":{"a":["1.50","{\"b\":[1,2]}","true"]},"s":null}})");
}

TEST(JsonNested, RefusesWhatHasAnotherShape) {
  for (const char* record :
       {R"({"V":[1]})", R"({"V":1})", R"({"V":{"L":{}}})", R"({"V":{"L":[[1]]}})",
        R"({"V":{"M":[]}})", R"({"V":{"s":"x"}})", R"({"V":{"L":["x"]}})"})
    EXPECT_EQ(round_trip(record), reason::kWrongType) << record;
  EXPECT_EQ(round_trip(R"({"V":{"L":[1,]}})"), reason::kMalformedJson);
}

TEST(JsonNested, RowsOfABatchDoNotMix) {
  EXPECT_EQ(round_trips({R"({"V":{"L":[1,2]}})", R"({"V":{"L":[3,"x"]}})", R"({"V":{"L":[4]}})"}),
            (std::vector<std::string>{R"({"V":{"L":[1,2],"M":null,"s":null}})",
                                      std::string(reason::kWrongType),
                                      R"({"V":{"L":[4],"M":null,"s":null}})"}));
}

// A map whose keys would all be looked through for each of them.
TEST(JsonNested, reads_maps_of_many_keys) {
  std::string record = R"({"V":{"M":{)";
  for (int i = 0; i < 100'000; ++i)
    record += '"' + std::to_string(i % 60'000) + "\":[\"" + std::to_string(i) + "\"],";
  record.back() = '}';
  const std::string again = round_trip(record + "}}");
  EXPECT_NE(again.find(R"("7":["60007"])"), std::string::npos);
  EXPECT_NE(again.find(R"("59999":["59999"])"), std::string::npos);
  EXPECT_EQ(again.find(R"(["7"])"), std::string::npos);
}

TEST(JsonNested, refuses_few_bytes_that_become_many_values) {
  std::vector<data::TypeField> fields;
  for (int i = 0; i < 500; ++i)
    fields.push_back({std::to_string(i), data::Type(data::TypeKind::bigint)});
  data::Column column(data::Type::array(data::Type::structure(fields)));
  data::Arena arena;
  const auto read = [&](std::size_t structs) {
    column.reset(1);
    std::string text = "[";
    for (std::size_t i = 0; i < structs; ++i) text += "{},";
    text.back() = ']';
    return read_json_cell(column, 0, text, arena);
  };
  EXPECT_EQ(read(100), reason::kNone);
  EXPECT_EQ(read(300'000), reason::kTooManyValues);
  EXPECT_LT(column.memory_bytes(), 200u << 20);
}

}  // namespace
}  // namespace penstock::format
