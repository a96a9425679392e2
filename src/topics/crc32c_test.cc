#include "topics/crc32c.h"

#include <gtest/gtest.h>

namespace penstock::topics {
namespace {

// RFC 3720, appendix B.4.
TEST(Crc32c, GivesTheKnownAnswers) {
  EXPECT_EQ(crc32c(ByteBuffer(32, 0)), 0x8a9136aau);
  EXPECT_EQ(crc32c(ByteBuffer(32, 0xff)), 0x62a8ab43u);
  ByteBuffer rising(32);
  for (std::size_t i = 0; i < 32; ++i) rising[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(crc32c(rising), 0x46dd794eu);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c({}), 0u);
}

TEST(Crc32c, AgreesWithTheTableForAllLengthsAndAlignments) {
  ByteBuffer bytes(20'000);
  std::uint32_t random = 1;
  for (auto& byte : bytes)
    byte = static_cast<std::uint8_t>((random = random * 1664525 + 1013904223) >> 24);
  for (std::size_t length = 0; length < bytes.size() - 8; length += 1 + length / 7) {
    ByteView part = ByteView(bytes).subspan(length % 8, length);
    EXPECT_EQ(crc32c(part, 77), crc32c_by_table(part, 77)) << length;
  }
}

TEST(Crc32c, GoesOnFromAnEarlierPart) {
  ByteBuffer bytes(10'000, 'x');
  ByteView view(bytes);
  EXPECT_EQ(crc32c(view.subspan(6'500), crc32c(view.first(6'500))), crc32c(view));
}

}  // namespace
}  // namespace penstock::topics
