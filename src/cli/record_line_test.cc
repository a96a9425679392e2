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
            R"("headers":[{"name":"h","value":"v"},{"name":"none","value":null}],"value":1})");
  record.key = as_bytes("\x01");
  record.headers = {};
  EXPECT_EQ(
      with_metadata({"t", 0, 0}, record, "null"),
      R"({"topic":"t","partition":0,"offset":0,"timestamp":17,"key_base64":"AQ==","value":null})");
}

TEST(RecordLine, headers_are_printed_whole) {
  ByteBuffer packed = topics::pack_headers({header("a", "1"),
                                            header("b", R"({"j":"\\"})"),
                                            header("a", ""),
                                            header("\xff", "\x01\x02"),
                                            {"a", std::nullopt}});
  topics::RecordView record{std::nullopt, std::nullopt, 0, packed};
  EXPECT_EQ(with_metadata({"t", 0, 0}, record, "null"),
            R"({"topic":"t","partition":0,"offset":0,"timestamp":0,"headers":[)"
            R"({"name":"a","value":"1"},{"name":"b","value":"{\"j\":\"\\\\\"}"},)"
            R"({"name":"a","value":""},{"name_base64":"/w==","value_base64":"AQI="},)"
            R"({"name":"a","value":null}],"value":null})");
}

TEST(RecordLine, headers_that_were_not_read_are_counted) {
  ByteBuffer packed = topics::pack_headers({header("a", "1")});
  topics::count_left_out(packed, 7);
  topics::RecordView record{std::nullopt, std::nullopt, 0, packed};
  EXPECT_EQ(with_metadata({"t", 0, 0}, record, "null"),
            R"({"topic":"t","partition":0,"offset":0,"timestamp":0,)"
            R"("headers":[{"name":"a","value":"1"}],"headers_left_out":7,"value":null})");
}

TEST(DeadLetter, origin_is_read_from_whole_headers_only) {
  std::vector<topics::Header> headers = {header("penstock.origin_topic", "t"),
                                         header("penstock.origin_partition", "3"),
                                         header("penstock.origin_timestamp_ms", "-5")};
  ByteBuffer packed = topics::pack_headers(headers);
  topics::RecordView record{std::nullopt, std::nullopt, 0, packed};
  std::optional<DeadLetterOrigin> origin = origin_of(record);
  ASSERT_TRUE(origin);
  EXPECT_EQ(origin->topic, "t");
  EXPECT_EQ(origin->partition, 3);
  EXPECT_EQ(origin->timestamp_ms, -5);
  headers[1] = header("penstock.origin_partition", "3x");
  packed = topics::pack_headers(headers);
  record.headers = packed;
  EXPECT_FALSE(origin_of(record));
  // What a record that is kept has said itself does not count.
  headers = {header("foreign.penstock.origin_topic", "t"), header("origin_topic", "t"),
             header("penstock.origin_partition", "3"), header("penstock.origin_timestamp_ms", "1")};
  packed = topics::pack_headers(headers);
  record.headers = packed;
  EXPECT_FALSE(origin_of(record));
  record.headers = {};
  EXPECT_FALSE(origin_of(record));
}

}  // namespace
}  // namespace penstock::cli
