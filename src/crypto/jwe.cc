#include "crypto/jwe.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "base/check.h"
#include "crypto/aead.h"
#include "crypto/concat_kdf.h"
#include "crypto/jwk.h"
#include "crypto/key_wrap.h"
#include "crypto/limits.h"
#include "crypto/p521.h"
#include "crypto/pkey.h"

namespace penstock::crypto {
namespace {

constexpr char kEncryption[] = "A256GCM";
constexpr char kEcdhEs[] = "ECDH-ES+A256KW";
constexpr std::size_t kKeyBytes = 32;

std::unexpected<Error> bad_message(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("encrypted message (JWE): {}", problem));
}

// The content key as the recipient gets it, and the header that says how.
struct WrappedKey {
  OrderedJson header;
  ByteBuffer encrypted_key;
};

OrderedJson header_for(std::string_view algorithm) {
  OrderedJson header;
  header["alg"] = algorithm;
  header["enc"] = kEncryption;
  return header;
}

struct Agreed {
  SecretBuffer shared;
  OrderedJson ephemeral;  // crv, kty, x, y
};

Result<Agreed> agree_with(const Json& jwk, RandomSource& random) {
  std::string curve = jwk.at("crv").get<std::string>();
  ByteBuffer peer_x = TRY(from_base64url(jwk.at("x").get_ref<const std::string&>()));
  ByteBuffer peer_y = TRY(from_base64url(jwk.at("y").get_ref<const std::string&>()));
  Agreed out;
  ByteBuffer x, y;
  if (curve == "P-256") {
    P256PublicKey peer = TRY(P256PublicKey::from_coordinates(peer_x, peer_y));
    P256PrivateKey own = TRY(P256PrivateKey::generate(random));
    out.shared = TRY(own.agree(peer));
    x = to_buffer(own.public_key().x());
    y = to_buffer(own.public_key().y());
  } else {
    P521Agreement agreement = TRY(agree_on_p521(peer_x, peer_y, random));
    out.shared = std::move(agreement.shared);
    x = std::move(agreement.x);
    y = std::move(agreement.y);
  }
  out.ephemeral["crv"] = curve;
  out.ephemeral["kty"] = "EC";
  out.ephemeral["x"] = to_base64url(x);
  out.ephemeral["y"] = to_base64url(y);
  return out;
}

Result<WrappedKey> wrap_for_ec(ByteView key, const JweRecipient& to, RandomSource& random) {
  Agreed agreed = TRY(agree_with(to.jwk(), random));
  SecretBuffer kek = TRY(concat_kdf_sha256(
      {.shared_secret = agreed.shared.view(), .algorithm = kEcdhEs, .party_u = {}, .party_v = {}},
      kKeyBytes));
  ByteBuffer encrypted_key = TRY(wrap_key(kek.view(), key));
  WrappedKey out{header_for(to.algorithm()), std::move(encrypted_key)};
  out.header["epk"] = std::move(agreed.ephemeral);
  return out;
}

Result<PkeyPtr> rsa_key(const Json& jwk) {
  ByteBuffer n = TRY(from_base64url(jwk.at("n").get_ref<const std::string&>()));
  ByteBuffer e = TRY(from_base64url(jwk.at("e").get_ref<const std::string&>()));
  BignumPtr modulus(BN_bin2bn(n.data(), static_cast<int>(n.size()), nullptr));
  BignumPtr exponent(BN_bin2bn(e.data(), static_cast<int>(e.size()), nullptr));
  ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  bool built = modulus && exponent && builder &&
               OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1 &&
               OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1;
  ParamsPtr params(built ? OSSL_PARAM_BLD_to_param(builder.get()) : nullptr);
  if (!params) return fail(openssl_error("RSA key"));
  return pkey_from_params("RSA", EVP_PKEY_PUBLIC_KEY, params.get());
}

// The padding's randomness is libcrypto's own.
Result<WrappedKey> wrap_for_rsa(ByteView key, const JweRecipient& to) {
  PkeyPtr pkey = TRY(rsa_key(to.jwk()));
  PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey.get(), nullptr));
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(pkey.get()));
  WrappedKey out{header_for(to.algorithm()), ByteBuffer(size)};
  if (!context || EVP_PKEY_encrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) != 1 ||
      EVP_PKEY_encrypt(context.get(), out.encrypted_key.data(), &size, key.data(), key.size()) != 1)
    return fail(openssl_error("RSA-OAEP-256"));
  out.encrypted_key.resize(size);
  return out;
}

Result<ByteBuffer> bytes_member(const Json& message, const char* member, std::size_t bytes_max) {
  std::string text = TRY(json_string(message, "encrypted message (JWE)", member));
  if (text.size() > bytes_max / 3 * 4 + 4)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("encrypted message (JWE): member '{}' has {} characters, more than {} "
                            "bytes need",
                            member, text.size(), bytes_max));
  Result<ByteBuffer> bytes = from_base64url(text);
  if (!bytes)
    return bad_message(fmt::format("member '{}' must be base64url without padding", member));
  return bytes;
}

Result<ByteBuffer> sized_member(const Json& message, const char* member, std::size_t bytes) {
  ByteBuffer out = TRY(bytes_member(message, member, bytes));
  if (out.size() != bytes)
    return bad_message(
        fmt::format("member '{}' has {} bytes, expected {}", member, out.size(), bytes));
  return out;
}

struct ProtectedHeader {
  P256PublicKey ephemeral;
  ByteBuffer party_u, party_v;
};

Result<ProtectedHeader> read_header(const Json& message) {
  constexpr char kWhat[] = "protected header (JWE)";
  ByteBuffer text = TRY(bytes_member(message, "protected", kJweHeaderBytesMax));
  Json header = TRY(parse_json(as_text(text), kWhat, {.bytes_max = text.size(), .depth_max = 4}));
  std::string algorithm = TRY(json_string(header, kWhat, "alg"));
  std::string encryption = TRY(json_string(header, kWhat, "enc"));
  if (algorithm != kEcdhEs || encryption != kEncryption)
    return fail(ErrorCode::unsupported,
                fmt::format("{}: expected alg {} and enc {}", kWhat, kEcdhEs, kEncryption));
  for (const char* name : {"crit", "zip"})
    if (header.contains(name))
      return fail(ErrorCode::unsupported, fmt::format("{}: member '{}'", kWhat, name));
  if (!header.contains("epk")) return bad_message("its protected header has no member 'epk'");
  Json epk = Json::object();
  for (const char* name : {"crv", "kty", "x", "y"})
    epk[name] = TRY(json_string(header.at("epk"), "member 'epk'", name));
  ProtectedHeader out{TRY(public_key_from_jwk(epk, "member 'epk'")), {}, {}};
  if (header.contains("apu")) out.party_u = TRY(bytes_member(header, "apu", kJweHeaderBytesMax));
  if (header.contains("apv")) out.party_v = TRY(bytes_member(header, "apv", kJweHeaderBytesMax));
  return out;
}

Result<> check_members(const Json& message) {
  if (!message.is_object()) return bad_message("expected a JSON object");
  for (const char* name : {"aad", "header", "unprotected", "recipients"})
    if (auto found = message.find(name); found != message.end() && !found->is_null())
      return fail(ErrorCode::unsupported,
                  fmt::format("encrypted message (JWE): member '{}'", name));
  return {};
}

std::unexpected<Error> not_opened() {
  return fail(ErrorCode::not_authentic,
              "encrypted message (JWE): it does not open; wrong key or changed bytes");
}

}  // namespace

Result<Json> jwe_encrypt(ByteView plaintext, const JweRecipient& to, RandomSource& random) {
  if (plaintext.size() > kJwePlaintextBytesMax)
    return fail(ErrorCode::limit_exceeded, fmt::format("encrypting (JWE): {} bytes, at most {}",
                                                       plaintext.size(), kJwePlaintextBytesMax));
  SecretBuffer key = TRY(SecretBuffer::create(kKeyBytes));
  TRY(random.fill(key.span()));
  std::array<std::uint8_t, kGcmNonceBytes> nonce;
  TRY(random.fill(nonce));
  WrappedKey wrapped = to.algorithm() == kEcdhEs ? TRY(wrap_for_ec(key.view(), to, random))
                                                 : TRY(wrap_for_rsa(key.view(), to));
  std::string header = to_base64url(as_bytes(wrapped.header.dump()));
  ByteBuffer sealed(plaintext.size() + kGcmTagBytes);
  TRY(Aes256Gcm::create(key.view())).seal(nonce, as_bytes(header), plaintext, sealed);
  return Json{{"protected", header},
              {"encrypted_key", to_base64url(wrapped.encrypted_key)},
              {"iv", to_base64url(nonce)},
              {"ciphertext", to_base64url(ByteView(sealed).first(plaintext.size()))},
              {"tag", to_base64url(ByteView(sealed).last(kGcmTagBytes))}};
}

Result<SecretBuffer> jwe_decrypt(const Json& message, const P256PrivateKey& key) {
  TRY(check_members(message));
  ProtectedHeader header = TRY(read_header(message));
  ByteBuffer encrypted_key = TRY(sized_member(message, "encrypted_key", kKeyBytes + 8));
  ByteBuffer nonce = TRY(sized_member(message, "iv", kGcmNonceBytes));
  ByteBuffer sealed = TRY(bytes_member(message, "ciphertext", kJwePlaintextBytesMax));
  ByteBuffer tag = TRY(sized_member(message, "tag", kGcmTagBytes));
  SecretBuffer shared = TRY(key.agree(header.ephemeral));
  SecretBuffer kek = TRY(concat_kdf_sha256({.shared_secret = shared.view(),
                                            .algorithm = kEcdhEs,
                                            .party_u = header.party_u,
                                            .party_v = header.party_v},
                                           kKeyBytes));
  Result<SecretBuffer> content_key = unwrap_key(kek.view(), encrypted_key);
  if (!content_key && content_key.error().code() == ErrorCode::not_authentic) return not_opened();
  if (!content_key) return fail(content_key.error().in("encrypted message (JWE)"));
  SecretBuffer plaintext = TRY(SecretBuffer::create(sealed.size()));
  sealed.insert(sealed.end(), tag.begin(), tag.end());
  std::string_view aad = message.at("protected").get_ref<const std::string&>();
  Aes256Gcm aead = TRY(Aes256Gcm::create(content_key->view()));
  if (!aead.open(nonce, as_bytes(aad), sealed, plaintext.span())) return not_opened();
  return plaintext;
}

}  // namespace penstock::crypto
