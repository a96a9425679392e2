#include "cli/quantity.h"

#include <gtest/gtest.h>

namespace penstock::cli {
namespace {

using namespace std::chrono_literals;

TEST(Quantity, ReadsDurationsThatItWrites) {
  for (std::string_view text : {"7d", "36h", "30m", "90s", "1500ms"})
    EXPECT_EQ(duration_text(parse_duration(text).value()), text);
  EXPECT_EQ(parse_duration("24h").value(), 24h);
  EXPECT_EQ(duration_text(24h), "1d");
}

TEST(Quantity, RefusesOtherTexts) {
  for (std::string_view text : {"", "7", "d", "-1d", "0s", "7 d", "1.5h", "7days", "999999999999d",
                                "99999999999999999999ms"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Quantity, WritesSizes) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(1536), "1.5 KiB");
  EXPECT_EQ(size_text(std::uint64_t{5} << 30), "5.0 GiB");
}

}  // namespace
}  // namespace penstock::cli
