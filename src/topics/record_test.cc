#include "topics/record.h"

#include <gtest/gtest.h>

#include "topics/limits.h"
#include "topics/own_headers.h"
#include "topics/test_log.h"

namespace penstock::topics {
namespace {

TEST(TopicName, TakesWhatKafkaTakes) {
  for (std::string_view good : {"a", "A.b_c-9", "...", "_"})
    EXPECT_TRUE(TopicName::parse(good)) << good;
  EXPECT_TRUE(TopicName::parse(std::string(kTopicNameBytesMax, 'x')));
  EXPECT_FALSE(TopicName::parse(std::string(kTopicNameBytesMax + 1, 'x')));
  for (std::string_view bad : {"", ".", "..", "a/b", "a b", "ä", "a\n"})
    EXPECT_EQ(code_of(TopicName::parse(bad)), ErrorCode::invalid_argument) << bad;
  EXPECT_FALSE(TopicName::parse(std::string_view("a\0b", 3)));
}

TEST(Headers, SurvivePacking) {
  std::vector<Header> headers = {
      {"a", to_buffer(as_bytes("1"))}, {"", std::nullopt}, {"b", ByteBuffer{}}};
  EXPECT_EQ(must(unpack_headers(pack_headers(headers))), headers);
  EXPECT_TRUE(pack_headers({}).empty());
  EXPECT_TRUE(must(unpack_headers({})).empty());
}

TEST(Headers, RefuseEveryTruncationAndWhatFollows) {
  ByteBuffer packed = pack_headers({{"name", to_buffer(as_bytes("value"))}, {"n", std::nullopt}});
  for (std::size_t length = 1; length < packed.size(); ++length)
    EXPECT_EQ(code_of(unpack_headers(ByteView(packed).first(length))), ErrorCode::corrupt)
        << length;
  packed.push_back(0);
  EXPECT_EQ(code_of(unpack_headers(packed)), ErrorCode::corrupt);
  EXPECT_EQ(code_of(unpack_headers(ByteBuffer(4, 0))), ErrorCode::corrupt);
  EXPECT_EQ(code_of(unpack_headers(ByteBuffer(4, 0xff))), ErrorCode::corrupt);
}

TEST(Headers, AsManyAsThereAre) {
  std::vector<Header> many(70'000, Header{"n", std::nullopt});
  EXPECT_EQ(must(unpack_headers(pack_headers(many))), many);
}

TEST(Headers, TheFirstAreReadOfAPackingThatCountsMore) {
  ByteBuffer packed = pack_headers({{"a", to_buffer(as_bytes("1"))}, {"b", std::nullopt}});
  count_left_out(packed, 3);
  HeaderWalk walk(packed);
  EXPECT_EQ(walk.count(), 5u);
  EXPECT_EQ(walk.next()->name, "a");
  EXPECT_EQ(walk.next()->name, "b");
  EXPECT_FALSE(walk.next());
  EXPECT_EQ(walk.taken(), 2u);
  EXPECT_FALSE(walk.at_sound_end());
  EXPECT_EQ(code_of(unpack_headers(packed)), ErrorCode::corrupt);
}

TEST(Headers, ThoseThatClaimToBeOursAreRenamedWhenTheyAreCarriedOn) {
  ByteBuffer packed = pack_headers({{"a", to_buffer(as_bytes("1"))}, {"Penstock.x", std::nullopt}});
  ByteBuffer renamed;
  EXPECT_EQ(headers_to_carry_on(packed, renamed)->data(), packed.data());
  packed = pack_headers({{"penstock.reason", to_buffer(as_bytes("r"))}, {"a", ByteBuffer{}}});
  EXPECT_EQ(must(unpack_headers(*headers_to_carry_on(packed, renamed))),
            (std::vector<Header>{{"foreign.penstock.reason", to_buffer(as_bytes("r"))},
                                 {"a", ByteBuffer{}}}));
  ByteBuffer again = renamed;
  EXPECT_EQ(as_text(*headers_to_carry_on(again, renamed)), as_text(again));
  packed.pop_back();
  EXPECT_FALSE(headers_to_carry_on(packed, renamed));
  EXPECT_TRUE(headers_to_carry_on({}, renamed)->empty());
}

TEST(ReadBuffer, HasNoHeadersUntilARecordHasSome) {
  ReadBuffer buffer;
  buffer.keys = buffer.values = {Slice::of(as_bytes("x"))};
  buffer.timestamps_ms = {1};
  buffer.offsets = {0};
  EXPECT_TRUE(buffer[0].headers.empty());
}

TEST(RecordBatch, TellsNullFromEmptyAlsoWhenTheFirstNullComesLate) {
  RecordBatch batch;
  for (int round = 0; round < 2; ++round) {
    batch.clear();
    EXPECT_TRUE(batch.empty());
    batch.append({.key = as_bytes(""), .value = as_bytes("v"), .timestamp_ms = 1});
    batch.append({.key = std::nullopt, .value = std::nullopt, .timestamp_ms = 2});
    batch.append({.key = as_bytes("k"), .value = as_bytes(""), .timestamp_ms = 3});
    ASSERT_EQ(batch.size(), 3u);
    EXPECT_TRUE(batch[0].key && batch[0].key->empty());
    EXPECT_FALSE(batch[1].key || batch[1].value);
    EXPECT_EQ(as_text(*batch[2].key), "k");
    EXPECT_EQ(batch[2].timestamp_ms, 3);
    EXPECT_EQ(batch.bytes(), 2u);
  }
}

TEST(RecordBatch, TakesManyAtOnceAsOneByOne) {
  const std::string values = "onetwo", keys = "ab";
  const std::vector<std::uint32_t> value_ends = {3, 3, 6}, key_ends = {1, 1, 2};
  const std::vector<data::TimestampMs> times = {5, 6, 7};
  for (const bool with_null : {false, true}) {
    RecordBatch batch;
    batch.append({.key = as_bytes("k"), .value = std::nullopt, .timestamp_ms = 1});
    if (with_null) batch.append({.key = std::nullopt, .value = as_bytes("v")});
    batch.append(PackedCells{as_bytes(keys), key_ends}, PackedCells{as_bytes(values), value_ends},
                 times);
    batch.append(std::nullopt, PackedCells{as_bytes(values), value_ends}, times);
    batch.append({.key = as_bytes("z"), .value = as_bytes("w"), .timestamp_ms = 9});
    const std::size_t first = with_null ? 2 : 1;
    ASSERT_EQ(batch.size(), first + 7);
    EXPECT_FALSE(batch[0].value.has_value());
    const std::vector<std::string_view> wanted = {"one", "", "two"};
    for (std::size_t i = 0; i < 6; ++i) {
      const RecordView record = batch[first + i];
      EXPECT_EQ(as_text(record.value.value()), wanted[i % 3]);
      EXPECT_EQ(record.timestamp_ms, times[i % 3]);
      EXPECT_EQ(record.key.has_value(), i < 3);
      if (i < 3) {
        EXPECT_EQ(as_text(*record.key), std::string_view(i == 0 ? "a" : i == 1 ? "" : "b"));
      }
    }
    EXPECT_EQ(as_text(batch[first + 6].key.value()), "z");
    EXPECT_EQ(as_text(batch[first + 6].value.value()), "w");
  }
}

}  // namespace
}  // namespace penstock::topics
