#include "server/framing.h"

#include <gtest/gtest.h>

#include <limits>

#include "format/row_json.h"

namespace penstock::server {
namespace {

using data::ColumnRole;
using data::Type;
using data::TypeKind;

data::Schema two_columns() {
  data::Schema schema;
  schema.columns = {{"ID", Type(TypeKind::string), ColumnRole::key},
                    {"N", Type(TypeKind::bigint), ColumnRole::value}};
  return schema;
}

std::string whole(Framing framing, QueryKind kind) {
  Framer framer(framing, kind, "q_1", two_columns());
  std::string out = framer.head();
  out += framer.row({std::string("a\"b"), std::int64_t{1}});
  out += framer.row({data::Null{}, std::int64_t{-2}});
  return out + framer.end(true, {});
}

TEST(Framer, WritesDelimitedLines) {
  EXPECT_EQ(whole(Framing::delimited, QueryKind::push),
            "{\"queryId\":\"q_1\",\"columnNames\":[\"ID\",\"N\"],\"columnTypes\":[\"STRING\","
            "\"BIGINT\"]}\n"
            "[\"a\\\"b\",1]\n"
            "[null,-2]\n");
}

TEST(Framer, TakesRowsThatAreJsonAlready) {
  for (const Framing framing : {Framing::delimited, Framing::json_array, Framing::streamed_rows}) {
    const Framer framer(framing, QueryKind::push, "q_1", two_columns());
    EXPECT_EQ(framer.json_row({.columns = "[\"a\\\"b\",1]"}),
              framer.row({std::string("a\"b"), std::int64_t{1}}));
  }
}

TEST(Framer, TellsOfTombstonesWhereTheFramingCan) {
  const auto written = [](Framing framing, QueryKind kind) {
    return Framer(framing, kind, "q_1", two_columns())
        .json_row({.columns = "[\"a\",null]", .tombstone = true});
  };
  EXPECT_EQ(written(Framing::delimited, QueryKind::push), "");
  EXPECT_EQ(written(Framing::json_array, QueryKind::push), "");
  EXPECT_EQ(written(Framing::streamed_rows, QueryKind::push),
            "{\"row\":{\"columns\":[\"a\",null],\"tombstone\":true}},\n");
}

TEST(Framer, WritesOneJsonArray) {
  EXPECT_EQ(whole(Framing::json_array, QueryKind::pull),
            "[{\"queryId\":\"q_1\",\"columnNames\":[\"ID\",\"N\"],\"columnTypes\":[\"STRING\","
            "\"BIGINT\"]},\n"
            "[\"a\\\"b\",1],\n"
            "[null,-2]]");
}

TEST(Framer, WritesStreamedRowsOfPushQueriesInWholeLines) {
  EXPECT_EQ(whole(Framing::streamed_rows, QueryKind::push),
            "[{\"header\":{\"queryId\":\"q_1\",\"schema\":\"`ID` STRING, `N` BIGINT\"}},\n"
            "{\"row\":{\"columns\":[\"a\\\"b\",1]}},\n"
            "{\"row\":{\"columns\":[null,-2]}},\n"
            "{\"finalMessage\":\"Limit Reached\"}]");
}

TEST(Framer, WritesStreamedRowsOfPullQueriesWithKeysMarked) {
  EXPECT_EQ(whole(Framing::streamed_rows, QueryKind::pull),
            "[{\"header\":{\"queryId\":\"q_1\",\"schema\":\"`ID` STRING KEY, `N` BIGINT\"}},\n"
            "{\"row\":{\"columns\":[\"a\\\"b\",1]}},\n"
            "{\"row\":{\"columns\":[null,-2]}}]");
}

TEST(Framer, EndsWithAnErrorThatKeepsTheFraming) {
  const RestError error = rest_error(RestCode::stopping, "The server is shutting down");
  const std::string entity =
      "{\"@type\":\"generic_error\",\"error_code\":50303,\"message\":\"The server is shutting "
      "down\"}";
  EXPECT_EQ(Framer(Framing::delimited, QueryKind::push, "q", two_columns()).end(error),
            entity + "\n");
  EXPECT_EQ(Framer(Framing::json_array, QueryKind::pull, "q", two_columns()).end(error),
            ",\n" + entity + "]");
  EXPECT_EQ(Framer(Framing::streamed_rows, QueryKind::push, "q", two_columns()).end(error),
            "{\"errorMessage\":" + entity + "}]");
}

TEST(Framer, SaysHowManyRecordsWereLeftOut) {
  engine::SkippedRecords skipped;
  skipped.add("replayed");
  skipped.add("malformed_json");
  skipped.add("replayed");
  EXPECT_EQ(Framer(Framing::delimited, QueryKind::push, "q", two_columns()).notice(skipped),
            "{\"skipped\":{\"records\":3,\"reasons\":{\"replayed\":2,\"malformed_json\":1}}}\n");
  EXPECT_EQ(Framer(Framing::json_array, QueryKind::push, "q", two_columns()).notice(skipped), "");
  EXPECT_EQ(Framer(Framing::streamed_rows, QueryKind::push, "q", two_columns()).end(false, skipped),
            "{\"finalMessage\":\"Query Completed; 3 records were left out: 2 replayed, "
            "1 malformed_json\"}]");
}

TEST(Framer, IsChosenByTheAcceptField) {
  EXPECT_EQ(framing_for_query_stream(""), Framing::delimited);
  EXPECT_EQ(framing_for_query_stream("*/*"), Framing::delimited);
  EXPECT_EQ(framing_for_query_stream("application/json, text/plain, */*"), Framing::json_array);
  EXPECT_EQ(framing_for_query_stream("application/vnd.ksql.v1+json"), Framing::streamed_rows);
  EXPECT_EQ(framing_for_query_stream("text/html, application/vnd.ksqlapi.delimited.v1;q=0.9"),
            Framing::delimited);
  EXPECT_EQ(framing_for_query_stream("application/vnd.ksql.v1+protobuf"), std::nullopt);
  EXPECT_EQ(framing_for_query(""), Framing::streamed_rows);
  EXPECT_EQ(framing_for_query("application/json"), Framing::streamed_rows);
  EXPECT_EQ(framing_for_query("*/*"), Framing::streamed_rows);
}

std::string json_of(const Type& type, const data::Value& value) {
  std::string out;
  format::append_json(out, value, type);
  return out;
}

TEST(RowJson, WritesValuesAsKsqldbDoes) {
  EXPECT_EQ(json_of(*Type::decimal(5, 2), data::Int128{-1250}), "-12.50");
  EXPECT_EQ(json_of(Type(TypeKind::bytes), std::string("\x01\xff")), "\"Af8=\"");
  EXPECT_EQ(json_of(Type(TypeKind::timestamp), std::int64_t{1006}), "\"1970-01-01T00:00:01.006\"");
  EXPECT_EQ(json_of(Type(TypeKind::date), std::int32_t{1}), "\"1970-01-02\"");
  EXPECT_EQ(json_of(Type(TypeKind::double_), 10.0), "10.0");
  EXPECT_EQ(json_of(Type(TypeKind::double_), std::numeric_limits<double>::quiet_NaN()), "\"NaN\"");
  EXPECT_EQ(json_of(Type(TypeKind::boolean), true), "true");
  EXPECT_EQ(json_of(Type(TypeKind::string), std::string("\xc3\xbc\n")), "\"\xc3\xbc\\n\"");
}

}  // namespace
}  // namespace penstock::server
