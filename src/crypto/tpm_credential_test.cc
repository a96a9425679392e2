// Against an activation of the test's own here, and against a software TPM in
// tests/e2e/test_tpm.py.
#include "crypto/tpm_credential.h"

#include <gtest/gtest.h>

#include "crypto/test_tpm.h"

namespace penstock::crypto {
namespace {

ByteBuffer name_of(std::uint8_t fill) {
  ByteBuffer out(34, fill);
  out[0] = 0x00;
  out[1] = 0x0b;
  return out;
}

TEST(TpmCredential, OnlyThatTpmWithThatKeyOpensIt) {
  const TestKey ek = test_rsa_key(), other = test_rsa_key();
  const auto key = PublicKey::from_spki(test_spki(ek));
  ASSERT_TRUE(key);
  const ByteBuffer content(32, 0xc5);
  const auto made = make_tpm_credential(*key, name_of(7), content, system_random());
  ASSERT_TRUE(made);
  EXPECT_EQ(test_activate(ek, name_of(7), made->blob, made->secret), content);
  EXPECT_FALSE(test_activate(ek, name_of(8), made->blob, made->secret));
  EXPECT_FALSE(test_activate(other, name_of(7), made->blob, made->secret));
  ByteBuffer changed = made->blob;
  changed.back() ^= 1;
  EXPECT_FALSE(test_activate(ek, name_of(7), changed, made->secret));
  EXPECT_EQ(made->secret.size(), 2U + 256);
  EXPECT_EQ(made->blob.size(), 2U + 2 + 32 + 2 + 32);
}

TEST(TpmCredential, NeverTheSameTwice) {
  const auto key = PublicKey::from_spki(test_spki(test_rsa_key()));
  ASSERT_TRUE(key);
  const auto a = make_tpm_credential(*key, name_of(1), ByteBuffer(32), system_random());
  const auto b = make_tpm_credential(*key, name_of(1), ByteBuffer(32), system_random());
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->secret, b->secret);
  EXPECT_NE(a->blob, b->blob);
}

TEST(TpmCredential, OtherKeysAreRefused) {
  for (const TestKey& each : {test_rsa_key(3072), test_ec_key("P-256")}) {
    const auto key = PublicKey::from_spki(test_spki(each));
    ASSERT_TRUE(key);
    const auto made = make_tpm_credential(*key, name_of(1), ByteBuffer(32), system_random());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), ErrorCode::unsupported);
  }
}

}  // namespace
}  // namespace penstock::crypto
