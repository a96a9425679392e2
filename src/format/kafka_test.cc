#include <gtest/gtest.h>

#include "format/descriptors.h"
#include "format/format_testing.h"
#include "format/reader.h"
#include "format/writer.h"

namespace penstock::format {
namespace {

using data::Null;
using data::Type;
using data::TypeKind;
using data::Value;
using testing::DecodedRow;
using testing::PaddedRecords;
using testing::schema_of;

constexpr Options kKafka{Kind::kafka, ',', false};

DecodedRow read_kafka(const Type& type, const std::string& bytes) {
  auto schema = schema_of({{"V", type}});
  auto reader = make_reader(schema, {true}, kKafka).value();
  std::vector<std::string> records{bytes};
  PaddedRecords padded(records);
  return testing::decode_all(*reader, schema, {true}, padded.views())[0];
}

// nullopt: the entry is null.
std::optional<std::string> write_kafka(const Type& type, const Value& value) {
  auto writer = make_writer(schema_of({{"V", type}}), kKafka).value();
  data::Arena arena;
  data::Column column(type);
  column.reset(1);
  data::set_value(column, 0, value, arena);
  const data::Column* columns[] = {&column};
  data::RowIndex rows[] = {0};
  EncodedRows out;
  data::RowErrors errors;
  writer->encode(columns, rows, out, errors);
  if (out[0].is_null()) return std::nullopt;
  return std::string(as_text(out[0].bytes()));
}

TEST(Kafka, encodes_primitives_as_kafkas_serializers_do) {
  struct Case {
    Type type;
    Value value;
    std::string bytes;
  } cases[] = {{Type(TypeKind::integer), 258, std::string("\0\0\1\2", 4)},
               {Type(TypeKind::integer), -1, "\xff\xff\xff\xff"},
               {Type(TypeKind::bigint), std::int64_t{1}, std::string("\0\0\0\0\0\0\0\1", 8)},
               {Type(TypeKind::double_), 1.5, std::string("\x3f\xf8\0\0\0\0\0\0", 8)},
               {Type(TypeKind::string), std::string("h\xC3\xA9"), "h\xC3\xA9"},
               {Type(TypeKind::string), std::string(), ""},
               {Type(TypeKind::bytes), std::string("\xff\0", 2), std::string("\xff\0", 2)}};
  for (const Case& c : cases) {
    EXPECT_EQ(write_kafka(c.type, c.value), c.bytes) << c.type.text();
    EXPECT_EQ(read_kafka(c.type, c.bytes), (DecodedRow{{c.value}, ""})) << c.type.text();
  }
}

TEST(Kafka, refuses_wrong_lengths_and_invalid_text) {
  EXPECT_EQ(read_kafka(Type(TypeKind::integer), "123").reason, "wrong_length");
  EXPECT_EQ(read_kafka(Type(TypeKind::integer), "12345").reason, "wrong_length");
  EXPECT_EQ(read_kafka(Type(TypeKind::bigint), "").reason, "wrong_length");
  EXPECT_EQ(read_kafka(Type(TypeKind::double_), "1234567").reason, "wrong_length");
  EXPECT_EQ(read_kafka(Type(TypeKind::string), "\xFF").reason, "invalid_utf8");
}

TEST(Kafka, null_stays_null) {
  EXPECT_EQ(write_kafka(Type(TypeKind::bigint), Null{}), std::nullopt);
  auto schema = schema_of({{"V", Type(TypeKind::bigint)}});
  auto reader = make_reader(schema, {true}, kKafka).value();
  std::vector<ByteView> values(1);
  EXPECT_EQ(testing::decode_all(*reader, schema, {true}, values)[0], (DecodedRow{{Null{}}, ""}));
}

TEST(Kafka, holds_one_column_of_a_primitive_type) {
  auto two = schema_of({{"A", Type(TypeKind::bigint)}, {"B", Type(TypeKind::bigint)}});
  EXPECT_EQ(make_reader(two, {true, true}, kKafka).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(make_writer(two, kKafka).error().code(), ErrorCode::invalid_argument);
  for (TypeKind kind : {TypeKind::boolean, TypeKind::date, TypeKind::time, TypeKind::timestamp}) {
    auto schema = schema_of({{"V", Type(kind)}});
    EXPECT_EQ(make_reader(schema, {true}, kKafka).error().code(), ErrorCode::invalid_argument);
    EXPECT_EQ(make_writer(schema, kKafka).error().code(), ErrorCode::invalid_argument);
  }
}

TEST(Formats, say_which_types_they_have) {
  const Type bigint(TypeKind::bigint), text(TypeKind::string);
  auto takes = [](std::string_view name, Type type) {
    return find_format(name)->supports(std::move(type));
  };
  EXPECT_TRUE(takes("JSON", Type::map(text, Type::array(bigint))));
  EXPECT_FALSE(takes("JSON", Type::array(Type::map(bigint, text))));
  EXPECT_TRUE(takes("DELIMITED", bigint));
  EXPECT_FALSE(takes("DELIMITED", Type::array(bigint)));
  EXPECT_FALSE(takes("KAFKA", Type(TypeKind::boolean)));
  for (const Kind kind : {Kind::delimited, Kind::kafka}) {
    auto schema = schema_of({{"A", Type::array(bigint)}});
    EXPECT_EQ(make_reader(schema, {true}, {kind, ',', false}).error().code(),
              ErrorCode::invalid_argument);
    EXPECT_EQ(make_writer(schema, {kind, ',', false}).error().code(), ErrorCode::invalid_argument);
  }
  EXPECT_EQ(find_format("XML"), nullptr);
  EXPECT_EQ(find_format("AVRO")->reader, nullptr);  // known by name
}

TEST(Formats, none_reads_and_writes_nulls) {
  auto schema = schema_of({{"A", Type(TypeKind::bigint)}});
  auto reader = make_reader(schema, {true}, {Kind::none, ',', false}).value();
  std::vector<std::string> records{"abc"};
  PaddedRecords padded(records);
  EXPECT_EQ(testing::decode_all(*reader, schema, {true}, padded.views())[0],
            (DecodedRow{{Null{}}, ""}));
  auto writer = make_writer(schema_of({}), {Kind::none, ',', false}).value();
  EncodedRows out;
  data::RowErrors errors;
  data::RowIndex rows[] = {0, 3};
  writer->encode({}, rows, out, errors);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_TRUE(out[0].is_null() && out[1].is_null());
}

}  // namespace
}  // namespace penstock::format
