#include "crypto/tpm_credential.h"

#include <array>
#include <cstring>

#include <openssl/rsa.h>

#include "base/check.h"
#include "crypto/hmac.h"
#include "crypto/openssl.h"

namespace penstock::crypto {
namespace {

constexpr std::size_t kTpmSeedBytes = 32, kAesKeyBytes = 16, kContentBytesMax = 32;
constexpr std::string_view kIdentityLabel{"IDENTITY\0", 9};  // its zero belongs to it

void put_u16(ByteBuffer& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

Result<ByteBuffer> encrypt_seed(EVP_PKEY* key, ByteView seed) {
  PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  // libcrypto frees the label.
  auto* label = static_cast<char*>(OPENSSL_memdup(kIdentityLabel.data(), kIdentityLabel.size()));
  if (context == nullptr || label == nullptr || EVP_PKEY_encrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), label,
                                       static_cast<int>(kIdentityLabel.size())) != 1) {
    OPENSSL_free(label);
    return std::unexpected(openssl_error("preparing RSA-OAEP"));
  }
  std::size_t size = 0;
  if (EVP_PKEY_encrypt(context.get(), nullptr, &size, seed.data(), seed.size()) != 1)
    return std::unexpected(openssl_error("RSA-OAEP"));
  ByteBuffer out(size);
  if (EVP_PKEY_encrypt(context.get(), out.data(), &size, seed.data(), seed.size()) != 1)
    return std::unexpected(openssl_error("RSA-OAEP"));
  out.resize(size);
  return out;
}

Result<ByteBuffer> aes128_cfb(ByteView key, ByteView text) {
  CHECK(key.size() == kAesKeyBytes);
  const CipherContextPtr context(EVP_CIPHER_CTX_new());
  constexpr std::array<std::uint8_t, 16> kZeroIv{};
  ByteBuffer out(text.size());
  int size = 0;
  if (context == nullptr ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_128_cfb128(), nullptr, key.data(),
                         kZeroIv.data()) != 1 ||
      EVP_EncryptUpdate(context.get(), out.data(), &size, text.data(),
                        static_cast<int>(text.size())) != 1 ||
      static_cast<std::size_t>(size) != text.size())
    return std::unexpected(openssl_error("AES-128-CFB"));
  return out;
}

}  // namespace

SecretBuffer tpm_kdfa(ByteView key, std::string_view label, ByteView context, std::size_t bytes) {
  CHECK(bytes <= std::tuple_size_v<Sha256Digest>);
  ByteBuffer input = {0, 0, 0, 1};
  input.insert(input.end(), label.begin(), label.end());
  input.push_back(0);
  input.insert(input.end(), context.begin(), context.end());
  const std::size_t bits = bytes * 8;
  for (int shift = 24; shift >= 0; shift -= 8)
    input.push_back(static_cast<std::uint8_t>(bits >> shift));
  Sha256Digest digest = hmac_sha256(key, input);
  SecretBuffer out = SecretBuffer::copy_of(ByteView(digest).first(bytes));
  wipe(digest);
  return out;
}

Result<TpmCredential> make_tpm_credential(const PublicKey& endorsement_key, ByteView name,
                                          ByteView content, RandomSource& random) {
  if (endorsement_key.kind() != KeyKind::rsa || endorsement_key.bits() != 2048)
    return fail(ErrorCode::unsupported,
                "a credential is made for endorsement keys of RSA with 2048 bits alone");
  CHECK(!content.empty() && content.size() <= kContentBytesMax && name.size() > 2);
  SecretBuffer seed(kTpmSeedBytes);
  TRY(random.fill(seed.span()));
  TpmCredential out;
  const std::uint8_t* spki = endorsement_key.spki().data();
  const PkeyPtr key_of_tpm(
      d2i_PUBKEY(nullptr, &spki, static_cast<long>(endorsement_key.spki().size())));
  if (key_of_tpm == nullptr) return std::unexpected(openssl_error("reading a key"));
  const ByteBuffer sealed_seed = TRY(encrypt_seed(key_of_tpm.get(), seed.view()));
  put_u16(out.secret, sealed_seed.size());
  out.secret.insert(out.secret.end(), sealed_seed.begin(), sealed_seed.end());
  const SecretBuffer key = tpm_kdfa(seed.view(), "STORAGE", name, kAesKeyBytes);
  SecretBuffer identity(2 + content.size());
  identity.span()[0] = 0;
  identity.span()[1] = static_cast<std::uint8_t>(content.size());
  std::memcpy(identity.span().data() + 2, content.data(), content.size());
  const ByteBuffer sealed = TRY(aes128_cfb(key.view(), identity.view()));
  ByteBuffer authenticated = sealed;
  authenticated.insert(authenticated.end(), name.begin(), name.end());
  const SecretBuffer mac_key = tpm_kdfa(seed.view(), "INTEGRITY", {}, kTpmSeedBytes);
  const Sha256Digest mac = hmac_sha256(mac_key.view(), authenticated);
  put_u16(out.blob, 2 + mac.size() + sealed.size());
  put_u16(out.blob, mac.size());
  out.blob.insert(out.blob.end(), mac.begin(), mac.end());
  out.blob.insert(out.blob.end(), sealed.begin(), sealed.end());
  return out;
}

}  // namespace penstock::crypto
