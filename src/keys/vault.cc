#include "keys/vault.h"

#include <fmt/format.h>

#include "crypto/aead.h"
#include "crypto/hkdf.h"
#include "keys/limits.h"

namespace penstock::keys {
namespace {

// Sealed: salt || ciphertext || tag. A key is used once, so its nonce may be fixed.
constexpr std::size_t kRootBytes = 32, kSaltBytes = 32;
constexpr std::array<std::uint8_t, crypto::kGcmNonceBytes> kNonce{};

std::string context(std::string_view name, std::int64_t version) {
  return fmt::format("penstock vault 1\n{}\n{}", version, name);
}

Result<crypto::Aes256Gcm> cipher(const SecretBuffer& root, ByteView salt, std::string_view info) {
  const SecretBuffer key = TRY(crypto::hkdf_sha256(
      {.key_material = root.view(), .salt = salt, .info = as_bytes(info)}, crypto::kGcmKeyBytes));
  return crypto::Aes256Gcm::create(key.view(), crypto::AeadEngine::libcrypto);
}

}  // namespace

Result<std::unique_ptr<Vault>> Vault::open(RootKeyProvider& provider) {
  SecretBuffer root = TRY(provider.root_key());
  if (root.size() != kRootBytes) {
    return fail(ErrorCode::corrupt,
                fmt::format("root key: expected {} bytes, seen {}", kRootBytes, root.size()));
  }
  return std::unique_ptr<Vault>(new Vault(std::move(root)));
}

Result<ByteBuffer> Vault::seal(std::string_view name, std::int64_t version, ByteView secret,
                               crypto::RandomSource& random) const {
  if (secret.size() > kSecretBytesMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("secret '{}': longer than {} bytes", name, kSecretBytesMax));
  }
  ByteBuffer out(kSaltBytes + secret.size() + crypto::kGcmTagBytes);
  const ByteSpan all(out);
  TRY(random.fill(all.first(kSaltBytes)));
  const std::string bound = context(name, version);
  TRY(cipher(root_, all.first(kSaltBytes), bound))
      .seal(kNonce, as_bytes(bound), secret, all.subspan(kSaltBytes));
  return out;
}

Result<SecretBuffer> Vault::open_secret(std::string_view name, std::int64_t version,
                                        ByteView sealed) const {
  const auto refused = [&] {
    return fail(ErrorCode::not_authentic,
                fmt::format("secret '{}' does not open: its bytes were changed or moved, or the "
                            "root key is another one",
                            name));
  };
  if (sealed.size() < kSaltBytes + crypto::kGcmTagBytes) return refused();
  SecretBuffer out = TRY(SecretBuffer::create(sealed.size() - kSaltBytes - crypto::kGcmTagBytes));
  const std::string bound = context(name, version);
  const bool good = TRY(cipher(root_, sealed.first(kSaltBytes), bound))
                        .open(kNonce, as_bytes(bound), sealed.subspan(kSaltBytes), out.span());
  if (!good) return refused();
  return out;
}

}  // namespace penstock::keys
