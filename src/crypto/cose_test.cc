#include "crypto/cose.h"

#include <gtest/gtest.h>

#include "crypto/aead.h"
#include "crypto/cbor.h"
#include "crypto/limits.h"

namespace penstock::crypto {
namespace {

ByteBuffer es256_header() {
  CborMap map;
  map.put_integer(1, kCoseAlgEs256);
  return map.encode();
}

P256PrivateKey new_key() {
  return P256PrivateKey::generate(system_random()).value();
}

// RFC 9052, appendix C.2.1 (COSE_Sign1, ES256). Its unprotected header holds the key's name.
TEST(CoseSign1, VerifiesTheExampleOfRfc9052) {
  ByteBuffer message =
      from_hex(
          "d28443a10126a10442313154546869732069732074686520636f6e74656e742e58408eb3"
          "3e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e2af9a291aa32"
          "e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36")
          .value();
  auto key =
      P256PublicKey::from_coordinates(
          from_hex("bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff").value(),
          from_hex("20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e").value())
          .value();
  CoseSign1 parsed = parse_sign1(message).value();
  EXPECT_EQ(as_text(parsed.payload), "This is the content.");
  EXPECT_EQ(to_hex(parsed.unprotected_header), "a104423131");
  EXPECT_TRUE(verify_sign1(parsed, {}, key).has_value());
  EXPECT_EQ(verify_sign1(parsed, as_bytes("x"), key).error().code(), ErrorCode::not_authentic);
}

TEST(CoseSign1, SignsWhatItVerifiesAndRefusesOtherAlgorithms) {
  P256PrivateKey key = new_key();
  ByteBuffer message = sign1(es256_header(), as_bytes("payload"), as_bytes("aad"), key).value();
  CoseSign1 parsed = parse_sign1(message).value();
  EXPECT_TRUE(verify_sign1(parsed, as_bytes("aad"), key.public_key()).has_value());
  EXPECT_FALSE(verify_sign1(parsed, {}, key.public_key()).has_value());
  EXPECT_FALSE(verify_sign1(parsed, as_bytes("aad"), new_key().public_key()).has_value());
  CborMap other;
  other.put_integer(1, -8);
  ByteBuffer eddsa = sign1(other.encode(), as_bytes("payload"), {}, key).value();
  EXPECT_EQ(verify_sign1(parse_sign1(eddsa).value(), {}, key.public_key()).error().code(),
            ErrorCode::unsupported);
  ByteBuffer nameless = sign1(CborMap().encode(), as_bytes("payload"), {}, key).value();
  EXPECT_FALSE(verify_sign1(parse_sign1(nameless).value(), {}, key.public_key()).has_value());
}

TEST(CoseEncrypt0, IsReadAsItIsWritten) {
  ByteBuffer header = from_hex("a10103").value(), ciphertext(20, 7);
  ByteBuffer message = encode_encrypt0(header, ciphertext);
  CoseEncrypt0 parsed = parse_encrypt0(message).value();
  EXPECT_EQ(to_buffer(parsed.protected_header), header);
  EXPECT_EQ(to_buffer(parsed.ciphertext), ciphertext);
  EXPECT_EQ(to_hex(enc_structure("Encrypt0", header, {})), "8368456e63727970743043a1010340");
  for (std::size_t size = 0; size < message.size(); ++size)
    EXPECT_FALSE(parse_encrypt0(ByteView(message).first(size)).has_value());
}

TEST(CoseEncrypt, EveryRecipientOpensAndNobodyElse) {
  std::vector<P256PrivateKey> keys;
  std::vector<P256PublicKey> recipients;
  for (int i = 0; i < 3; ++i) {
    keys.push_back(new_key());
    recipients.push_back(keys.back().public_key());
  }
  ByteBuffer message = encrypt_for(as_bytes("secret"), recipients, system_random()).value();
  EXPECT_TRUE(CborReader::over(message, "test").has_value());
  for (const auto& key : keys)
    EXPECT_EQ(as_text(decrypt_with(message, key).value().view()), "secret");
  EXPECT_EQ(decrypt_with(message, new_key()).error().code(), ErrorCode::not_found);
  for (std::size_t i = 0; i < message.size(); ++i) {
    ByteBuffer changed = message;
    changed[i] ^= 1;
    // A change to another recipient's part is none for this one; it must never give other bytes.
    auto opened = decrypt_with(changed, keys[1]);
    if (opened) {
      EXPECT_EQ(as_text(opened->view()), "secret");
    }
    EXPECT_FALSE(decrypt_with(ByteView(message).first(i), keys[1]).has_value());
  }
}

TEST(CoseEncrypt, TakesOneToTheLimitOfRecipients) {
  P256PrivateKey key = new_key();
  std::vector<P256PublicKey> recipients(kCoseRecipientsMax, key.public_key());
  ByteBuffer message = encrypt_for(as_bytes("x"), recipients, system_random()).value();
  EXPECT_TRUE(decrypt_with(message, key).has_value());
  recipients.push_back(key.public_key());
  EXPECT_EQ(encrypt_for({}, recipients, system_random()).error().code(), ErrorCode::limit_exceeded);
  EXPECT_FALSE(encrypt_for({}, {}, system_random()).has_value());
}

}  // namespace
}  // namespace penstock::crypto
