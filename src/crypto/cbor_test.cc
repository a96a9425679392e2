#include "crypto/cbor.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "crypto/limits.h"
#include "crypto/test_hex.h"

namespace penstock::crypto {
namespace {

template <typename Write>
std::string written(Write write) {
  ByteBuffer out;
  CborWriter writer(out);
  write(writer);
  return to_hex(out);
}

// Examples of RFC 8949, appendix A.
TEST(CborWriter, WritesTheExamplesOfRfc8949) {
  const std::pair<std::int64_t, std::string_view> integers[] = {
      {0, "00"},
      {1, "01"},
      {10, "0a"},
      {23, "17"},
      {24, "1818"},
      {100, "1864"},
      {1000, "1903e8"},
      {1000000, "1a000f4240"},
      {1000000000000, "1b000000e8d4a51000"},
      {-1, "20"},
      {-10, "29"},
      {-100, "3863"},
      {-1000, "3903e7"},
      {INT64_MIN, "3b7fffffffffffffff"}};
  for (auto [value, bytes] : integers) {
    EXPECT_EQ(written([&](CborWriter& w) { w.integer(value); }), bytes);
    EXPECT_EQ(CborReader::over(hex(bytes), "test").value().integer().value(), value);
  }
  const std::pair<double, std::string_view> reals[] = {
      {0.0, "f90000"},
      {-0.0, "f98000"},
      {1.0, "f93c00"},
      {1.1, "fb3ff199999999999a"},
      {1.5, "f93e00"},
      {65504.0, "f97bff"},
      {100000.0, "fa47c35000"},
      {3.4028234663852886e+38, "fa7f7fffff"},
      {1.0e+300, "fb7e37e43c8800759c"},
      {5.960464477539063e-8, "f90001"},
      {0.00006103515625, "f90400"},
      {-4.0, "f9c400"},
      {-4.1, "fbc010666666666666"},
      {std::numeric_limits<double>::infinity(), "f97c00"},
      {-std::numeric_limits<double>::infinity(), "f9fc00"}};
  for (auto [value, bytes] : reals) {
    EXPECT_EQ(written([&](CborWriter& w) { w.real(value); }), bytes);
    double back = CborReader::over(hex(bytes), "test").value().real().value();
    EXPECT_EQ(back, value);
    EXPECT_EQ(std::signbit(back), std::signbit(value));
  }
  EXPECT_EQ(written([](CborWriter& w) { w.real(std::nan("")); }), "f97e00");
  EXPECT_EQ(written([](CborWriter& w) { w.text("\u6c34"); }), "63e6b0b4");
  EXPECT_EQ(written([](CborWriter& w) { w.bytes(ByteBuffer{1, 2, 3, 4}); }), "4401020304");
  EXPECT_EQ(written([](CborWriter& w) { w.unsigned_integer(UINT64_MAX); }), "1bffffffffffffffff");
  EXPECT_EQ(written([](CborWriter& w) {
              w.array(3);
              w.boolean(false);
              w.boolean(true);
              w.null();
            }),
            "83f4f5f6");
}

TEST(CborMap, SortsItsKeysByTheirBytes) {
  CborMap map;
  map.put_integer(-1, 0);
  map.put_integer(100, 0);
  map.put_integer(10, 0);
  EXPECT_EQ(to_hex(map.encode()), "a30a001864002000");
}

TEST(CborReader, ReadsWhatIsWritten) {
  ByteBuffer out;
  CborWriter writer(out);
  writer.tag(18);
  writer.array(6);
  writer.text("text");
  writer.bytes(ByteBuffer{9, 8});
  writer.null();
  writer.map(1);
  writer.integer(1);
  writer.boolean(true);
  writer.real(2.5);
  writer.unsigned_integer(UINT64_MAX);
  CborReader reader = CborReader::over(out, "test").value();
  EXPECT_EQ(reader.tag().value(), 18u);
  EXPECT_EQ(reader.array().value(), 6u);
  EXPECT_FALSE(reader.integer().has_value());
  EXPECT_EQ(reader.text().value(), "text");
  EXPECT_FALSE(reader.bytes_of(3).has_value());
  EXPECT_EQ(to_buffer(reader.bytes_of(2).value()), (ByteBuffer{9, 8}));
  EXPECT_TRUE(reader.take_null());
  EXPECT_EQ(to_hex(reader.item()), "a101f5");
  EXPECT_EQ(reader.real().value(), 2.5);
  EXPECT_FALSE(reader.integer().has_value());  // beyond 63 bits
  EXPECT_EQ(reader.unsigned_integer().value(), UINT64_MAX);
  EXPECT_EQ(reader.next_type(), CborType::end);
  EXPECT_FALSE(reader.integer().has_value());
  EXPECT_TRUE(reader.item().empty());
}

TEST(CborReader, RefusesWhatIsNotDeterministic) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "the input ends too early"},
      {"18", "the input ends too early"},
      {"1817", "a head that is not the shortest"},
      {"1900ff", "a head that is not the shortest"},
      {"1a0000ffff", "a head that is not the shortest"},
      {"1b00000000ffffffff", "a head that is not the shortest"},
      {"5801ff", "a head that is not the shortest"},
      {"5f41ffff", "an indefinite or reserved length"},
      {"9fff", "an indefinite or reserved length"},
      {"bfff", "an indefinite or reserved length"},
      {"1c", "an indefinite or reserved length"},
      {"ff", "a simple value that is not taken"},
      {"f7", "a simple value that is not taken"},
      {"f0", "a simple value that is not taken"},
      {"f820", "a simple value that is not taken"},
      {"3bffffffffffffffff", "an integer below 64 bits"},
      {"41", "a string that ends beyond the input"},
      {"5bffffffffffffffff", "a string that ends beyond the input"},
      {"61ff", "text that is not UTF-8"},
      {"62c080", "text that is not UTF-8"},
      {"63eda080", "text that is not UTF-8"},
      {"64f4908080", "text that is not UTF-8"},
      {"63e282", "a string that ends beyond the input"},
      {"62e282", "text that is not UTF-8"},
      {"8201", "more items than bytes"},
      {"821901", "the input ends too early"},
      {"9bffffffffffffffff", "more items than bytes"},
      {"bbffffffffffffffff", "more entries than bytes"},
      {"a201010100", "map keys out of order or repeated"},
      {"a202000100", "map keys out of order or repeated"},
      {"0000", "bytes follow the item"},
      {"fa3f800000", "a float that is not the shortest"},
      {"fb3ff8000000000000", "a float that is not the shortest"},
      {"f97e01", "an unusual NaN"},
      {"fb7ff8000000000000", "a float that is not the shortest"}};
  for (auto [bytes, problem] : cases) {
    auto reader = CborReader::over(hex(bytes), "test");
    ASSERT_FALSE(reader.has_value()) << bytes;
    EXPECT_NE(reader.error().text().find(problem), std::string::npos)
        << bytes << ": " << reader.error().text();
  }
}

TEST(CborReader, KeepsItsLimitsOfDepthAndSize) {
  std::string deep;
  for (std::size_t i = 0; i < kCborDepthMax; ++i) deep += "81";
  EXPECT_TRUE(CborReader::over(hex(deep + "00"), "test").has_value());
  EXPECT_FALSE(CborReader::over(hex(deep + "8100"), "test").has_value());
  ByteBuffer large;
  CborWriter(large).bytes(ByteBuffer(kCborBytesMax - 5));
  ASSERT_EQ(large.size(), kCborBytesMax);
  EXPECT_TRUE(CborReader::over(large, "test").has_value());
  large.push_back(0);
  EXPECT_EQ(CborReader::over(large, "test").error().code(), ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace penstock::crypto
