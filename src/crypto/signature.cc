#include "crypto/signature.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/err.h>

#include "base/check.h"
#include "crypto/ed25519_point.h"
#include "crypto/pkey.h"

namespace penstock::crypto {
namespace {

constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kEd25519SignatureBytes = 64;

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

std::unexpected<Error> bad_signature_key(std::string_view problem) {
  ERR_clear_error();
  return fail(ErrorCode::invalid_argument, fmt::format("signature key: {}", problem));
}
std::unexpected<Error> other_kind() {
  return fail(ErrorCode::unsupported, "signature key: it is neither a P-256 nor an Ed25519 key");
}

bool is_ed25519(const EVP_PKEY* key) {
  return EVP_PKEY_get_id(key) == EVP_PKEY_ED25519;
}

Result<PkeyPtr> make_pkey(const Ed25519PublicKey& key) {
  PkeyPtr out(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.bytes().data(),
                                          key.bytes().size()));
  if (!out) return fail(openssl_error("Ed25519 key"));
  return out;
}

// From the seed.
Result<PkeyPtr> make_pkey(const SecretBuffer& seed) {
  PkeyPtr out(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.view().data(), seed.size()));
  if (!out) return fail(openssl_error("Ed25519 key"));
  return out;
}

Result<Ed25519PublicKey> public_half(const EVP_PKEY* key) {
  std::array<std::uint8_t, 32> bytes;
  std::size_t size = bytes.size();
  if (EVP_PKEY_get_raw_public_key(key, bytes.data(), &size) != 1 || size != bytes.size())
    return bad_signature_key("it holds no public key");
  return Ed25519PublicKey::from_bytes(bytes);
}

}  // namespace

Result<Ed25519PublicKey> Ed25519PublicKey::from_bytes(ByteView bytes) {
  if (!TRY(is_ed25519_key(bytes)))
    return fail(ErrorCode::invalid_argument,
                "Ed25519 key: not the 32 bytes of a point of the curve of large order");
  Ed25519PublicKey key;
  std::ranges::copy(bytes, key.bytes_.begin());
  return key;
}

bool Ed25519PublicKey::verify(ByteView message, ByteView signature) const {
  if (signature.size() != kEd25519SignatureBytes) return false;
  Result<PkeyPtr> key = make_pkey(*this);
  DigestContextPtr context(EVP_MD_CTX_new());
  bool verified = key && context &&
                  EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key->get()) == 1 &&
                  EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                   message.data(), message.size()) == 1;
  if (!verified) ERR_clear_error();
  return verified;
}

Result<VerificationKey> VerificationKey::from_pem(std::string_view pem) {
  BioPtr bio = TRY(bio_over(pem, "signature key"));
  PkeyPtr key = read_public_pem(bio.get());
  if (!key) return bad_signature_key("not a PEM public key");
  if (is_ed25519(key.get())) return VerificationKey(TRY(public_half(key.get())));
  if (is_p256(key.get())) return VerificationKey(TRY(p256_of(key.get())));
  return other_kind();
}

std::string VerificationKey::to_pem() const {
  Result<PkeyPtr> pkey = std::visit([](const auto& key) { return make_pkey(key); }, key_);
  CHECK(pkey.has_value());
  return public_pem_of(pkey->get());
}

std::string_view VerificationKey::algorithm() const {
  return std::holds_alternative<P256PublicKey>(key_) ? "ES256" : "Ed25519";
}

Sha256Digest VerificationKey::id() const {
  Result<PkeyPtr> pkey = std::visit([](const auto& key) { return make_pkey(key); }, key_);
  CHECK(pkey.has_value());
  return sha256(subject_public_key_info(pkey->get()));
}

bool VerificationKey::verify(ByteView message, ByteView signature) const {
  return std::visit(
      Overloaded{
          [&](const P256PublicKey& key) { return key.verify_es256(message, signature); },
          [&](const Ed25519PublicKey& key) { return key.verify(message, signature); },
      },
      key_);
}

Result<SigningKey> SigningKey::generate_ed25519(RandomSource& random) {
  SecretBuffer seed = TRY(SecretBuffer::create(kSeedBytes));
  TRY(random.fill(seed.span()));
  PkeyPtr pkey = TRY(make_pkey(seed));
  VerificationKey public_key(TRY(public_half(pkey.get())));
  return SigningKey(std::move(seed), public_key);
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
  BioPtr bio = TRY(bio_over(pem, "signature key"));
  PkeyPtr pkey = read_private_pem(bio.get());
  if (!pkey) return bad_signature_key("not an unencrypted PEM private key");
  if (is_ed25519(pkey.get())) {
    SecretBuffer seed = TRY(SecretBuffer::create(kSeedBytes));
    std::size_t size = seed.size();
    if (EVP_PKEY_get_raw_private_key(pkey.get(), seed.span().data(), &size) != 1 ||
        size != kSeedBytes)
      return bad_signature_key("it holds no private key");
    VerificationKey public_key(TRY(public_half(pkey.get())));
    return SigningKey(std::move(seed), public_key);
  }
  if (!is_p256(pkey.get())) return other_kind();
  P256PrivateKey key = TRY(P256PrivateKey::from_pem(pem));
  VerificationKey public_key(key.public_key());
  return SigningKey(std::move(key), public_key);
}

Result<SecretBuffer> SigningKey::to_pem() const {
  PkeyPtr pkey = TRY(std::visit([](const auto& key) { return make_pkey(key); }, key_));
  return private_pem_of(pkey.get());
}

Result<ByteBuffer> SigningKey::sign(ByteView message) const {
  if (const auto* key = std::get_if<P256PrivateKey>(&key_))
    return to_buffer(TRY(key->sign_es256(message)));
  PkeyPtr pkey = TRY(make_pkey(std::get<SecretBuffer>(key_)));
  DigestContextPtr context(EVP_MD_CTX_new());
  ByteBuffer signature(kEd25519SignatureBytes);
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1 ||
      size != signature.size())
    return fail(openssl_error("Ed25519 signature"));
  return signature;
}

}  // namespace penstock::crypto
