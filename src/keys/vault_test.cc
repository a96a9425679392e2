#include "keys/vault.h"

#include <gtest/gtest.h>

#include "keys/limits.h"

namespace penstock::keys {
namespace {

class FixedRoot final : public RootKeyProvider {
 public:
  explicit FixedRoot(std::uint8_t byte, std::size_t size = 32) : key_(size, byte) {}
  Result<SecretBuffer> root_key() override { return SecretBuffer::copy_of(key_); }

 private:
  ByteBuffer key_;
};

std::unique_ptr<Vault> vault(std::uint8_t byte) {
  FixedRoot root(byte);
  return *Vault::open(root);
}

TEST(Vault, OpensWhatItSealedUnderTheSameNameAndVersion) {
  const auto a = vault(1);
  const auto sealed = a->seal("app/kind/name", 3, as_bytes("hunter2"), crypto::system_random());
  ASSERT_TRUE(sealed);
  const auto opened = a->open_secret("app/kind/name", 3, *sealed);
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(opened->view()), "hunter2");
  EXPECT_NE(*sealed, *a->seal("app/kind/name", 3, as_bytes("hunter2"), crypto::system_random()));
}

TEST(Vault, AnythingElseIsNotAuthentic) {
  const auto a = vault(1);
  const auto sealed = *a->seal("name", 3, as_bytes("hunter2"), crypto::system_random());
  const auto code = [](const Result<SecretBuffer>& opened) {
    EXPECT_FALSE(opened);
    return opened ? ErrorCode::internal : opened.error().code();
  };
  EXPECT_EQ(code(a->open_secret("other", 3, sealed)), ErrorCode::not_authentic);
  EXPECT_EQ(code(a->open_secret("name", 4, sealed)), ErrorCode::not_authentic);
  EXPECT_EQ(code(vault(2)->open_secret("name", 3, sealed)), ErrorCode::not_authentic);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    ByteBuffer bad = sealed;
    bad[i] ^= 1;
    EXPECT_EQ(code(a->open_secret("name", 3, bad)), ErrorCode::not_authentic);
    EXPECT_EQ(code(a->open_secret("name", 3, ByteView(sealed).first(i))), ErrorCode::not_authentic);
  }
}

TEST(Vault, LimitsHold) {
  const auto a = vault(1);
  EXPECT_TRUE(a->seal("n", 1, ByteBuffer(kSecretBytesMax), crypto::system_random()));
  EXPECT_FALSE(a->seal("n", 1, ByteBuffer(kSecretBytesMax + 1), crypto::system_random()));
  FixedRoot wrong(1, 31);
  EXPECT_EQ(Vault::open(wrong).error().code(), ErrorCode::corrupt);
}

}  // namespace
}  // namespace penstock::keys
