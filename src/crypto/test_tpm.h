// TPM2_ActivateCredential as a TPM does it, for an RSA key that the test has. Tests only.
#pragma once

#include <optional>

#include <openssl/rsa.h>

#include "crypto/hmac.h"
#include "crypto/test_pki.h"
#include "crypto/tpm_credential.h"

namespace penstock::crypto {

// The credential's content, if `name` is the key's that it was made for; nullopt: the TPM refuses.
inline std::optional<ByteBuffer> test_activate(const TestKey& ek, ByteView name,
                                               const ByteBuffer& blob, const ByteBuffer& secret) {
  const auto u16 = [](ByteView bytes) -> std::size_t { return bytes[0] << 8 | bytes[1]; };
  if (secret.size() < 2 || u16(secret) != secret.size() - 2) return std::nullopt;
  PkeyContextPtr context(EVP_PKEY_CTX_new(ek.get(), nullptr));
  auto* label = static_cast<char*>(OPENSSL_memdup("IDENTITY", 9));
  CHECK(EVP_PKEY_decrypt_init(context.get()) == 1);
  CHECK(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1);
  CHECK(EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) == 1);
  CHECK(EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), label, 9) == 1);
  ByteBuffer seed(512);
  std::size_t size = seed.size();
  if (EVP_PKEY_decrypt(context.get(), seed.data(), &size, secret.data() + 2, secret.size() - 2) !=
      1)
    return std::nullopt;
  seed.resize(size);
  if (blob.size() < 36 || u16(blob) != blob.size() - 2 || u16(ByteView(blob).subspan(2)) != 32)
    return std::nullopt;
  const ByteView mac = ByteView(blob).subspan(4, 32), sealed = ByteView(blob).subspan(36);
  ByteBuffer authenticated = to_buffer(sealed);
  authenticated.insert(authenticated.end(), name.begin(), name.end());
  const SecretBuffer mac_key = tpm_kdfa(seed, "INTEGRITY", {}, 32);
  const Sha256Digest wanted = hmac_sha256(mac_key.view(), authenticated);
  if (!equal_constant_time(mac, wanted)) return std::nullopt;
  const SecretBuffer key = tpm_kdfa(seed, "STORAGE", name, 16);
  const CipherContextPtr cipher(EVP_CIPHER_CTX_new());
  const ByteBuffer iv(16);
  ByteBuffer identity(sealed.size());
  int done = 0;
  CHECK(EVP_DecryptInit_ex(cipher.get(), EVP_aes_128_cfb128(), nullptr, key.view().data(),
                           iv.data()) == 1);
  CHECK(EVP_DecryptUpdate(cipher.get(), identity.data(), &done, sealed.data(),
                          static_cast<int>(sealed.size())) == 1);
  if (identity.size() < 2 || u16(identity) != identity.size() - 2) return std::nullopt;
  return ByteBuffer(identity.begin() + 2, identity.end());
}

}  // namespace penstock::crypto
