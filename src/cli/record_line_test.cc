#include "cli/record_line.h"

#include <gtest/gtest.h>

#include "cli/dead_letter.h"

namespace penstock::cli {
namespace {

topics::Header header(std::string name, std::string_view value) {
  return {std::move(name), to_buffer(as_bytes(value))};
}

TEST(RecordLine, json_is_printed_as_it_is_on_one_line) {
  EXPECT_EQ(value_text(as_bytes(R"({ "a" : 1.50 })")), R"({ "a" : 1.50 })");
  EXPECT_EQ(value_text(as_bytes("{\n \"a\":1\r\n}")), R"({ "a":1})");
  EXPECT_EQ(value_text(std::nullopt), "null");
}

TEST(RecordLine, other_bytes_are_printed_as_base64) {
  EXPECT_EQ(value_text(as_bytes("a,b")), R"({"value_base64":"YSxi"})");
  EXPECT_EQ(value_text(as_bytes("")), R"({"value_base64":""})");
  EXPECT_EQ(value_text(as_bytes("\xff")), R"({"value_base64":"/w=="})");
}

TEST(RecordLine, metadata_surrounds_the_value) {
  ByteBuffer headers = topics::pack_headers({header("h", "v"), {"none", std::nullopt}});
  topics::RecordView record{as_bytes("key"), as_bytes("1"), 17, headers};
  EXPECT_EQ(with_metadata({"t", 2, 5}, record, "1"),
            R"({"topic":"t","partition":2,"offset":5,"timestamp":17,"key":"key",)"
            R"("headers":{"h":"v","none":null},"value":1})");
  record.key = as_bytes("\x01");
  record.headers = {};
  EXPECT_EQ(
      with_metadata({"t", 0, 0}, record, "null"),
      R"({"topic":"t","partition":0,"offset":0,"timestamp":17,"key_base64":"AQ==","value":null})");
}

TEST(DeadLetter, origin_is_read_from_whole_headers_only) {
  std::vector<topics::Header> headers = {header("origin_topic", "t"),
                                         header("origin_partition", "3"),
                                         header("origin_timestamp_ms", "-5")};
  ByteBuffer packed = topics::pack_headers(headers);
  topics::RecordView record{std::nullopt, std::nullopt, 0, packed};
  std::optional<DeadLetterOrigin> origin = origin_of(record);
  ASSERT_TRUE(origin);
  EXPECT_EQ(origin->topic, "t");
  EXPECT_EQ(origin->partition, 3);
  EXPECT_EQ(origin->timestamp_ms, -5);
  headers[1] = header("origin_partition", "3x");
  packed = topics::pack_headers(headers);
  record.headers = packed;
  EXPECT_FALSE(origin_of(record));
  record.headers = {};
  EXPECT_FALSE(origin_of(record));
}

}  // namespace
}  // namespace penstock::cli
