#include "base/bytes.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(Hex, RoundTripsAndRefusesOddLengthsAndOtherCharacters) {
  EXPECT_EQ(to_hex(from_hex("00ffA5").value()), "00ffa5");
  EXPECT_EQ(from_hex("abc").error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(from_hex("zz").error().text(), "hex text has a wrong character at position 0");
}

TEST(Base64, MeetsTheTestVectorsOfRfc4648Section10) {
  const std::pair<std::string_view, std::string_view> cases[] = {{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
  for (auto [plain, coded] : cases) {
    EXPECT_EQ(to_base64(as_bytes(plain)), coded);
    EXPECT_EQ(as_text(from_base64(coded).value()), plain);
  }
}

TEST(Base64, IsStrict) {
  for (std::string_view bad : {"Zg", "Zg=", "Zh==", "Z g=", "====", "Zg==\n"})
    EXPECT_FALSE(from_base64(bad).has_value()) << bad;
  EXPECT_FALSE(from_base64url("Zg==").has_value());
  EXPECT_FALSE(from_base64url("A").has_value());
  EXPECT_EQ(to_base64url(from_base64url("-_8").value()), "-_8");
}

}  // namespace
}  // namespace penstock
