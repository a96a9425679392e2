#include "base/secret.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBuffer>);
static_assert(!std::is_default_constructible_v<fmt::formatter<SecretBuffer>>);

TEST(SecretBuffer, MovesAndClones) {
  SecretBuffer a = SecretBuffer::copy_of(as_bytes("key"));
  SecretBuffer b = a.clone();
  SecretBuffer c = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT: a moved-from one is empty
  EXPECT_EQ(as_text(b.view()), "key");
  EXPECT_EQ(as_text(c.view()), "key");
}

TEST(EqualConstantTime, ComparesBytesAndLengths) {
  EXPECT_TRUE(equal_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("ab")));
}

}  // namespace
}  // namespace penstock
