#include "crypto/public_key.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/check.h"
#include "crypto/limits.h"
#include "crypto/pkey.h"

namespace penstock::crypto {
namespace {

const EVP_MD* md_of(Hash hash) {
  switch (hash) {
    case Hash::sha1:
      return EVP_sha1();
    case Hash::sha256:
      return fetched_sha256();
    case Hash::sha384:
      return fetched_sha384();
    case Hash::sha512:
      return fetched_sha512();
  }
  CHECK(false);
}

std::unexpected<Error> bad_public_key(ErrorCode code, std::string_view problem) {
  ERR_clear_error();
  return fail(code, fmt::format("public key: {}", problem));
}

std::shared_ptr<EVP_PKEY> shared(PkeyPtr key) {
  return {key.release(), EVP_PKEY_free};
}

std::size_t coordinate_bytes(KeyKind kind) {
  return kind == KeyKind::p256 ? 32 : 48;
}

// SubjectPublicKeyInfo of an uncompressed point, up to the point's coordinates.
constexpr std::array<std::uint8_t, 27> kP256Spki = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
constexpr std::array<std::uint8_t, 24> kP384Spki = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                                    0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                                                    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};
// AlgorithmIdentifier of RSA, behind the outer SEQUENCE of 4 bytes.
constexpr std::array<std::uint8_t, 15> kRsaAlgorithm = {
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

ByteView point_prefix(KeyKind kind) {
  return kind == KeyKind::p256 ? ByteView(kP256Spki) : ByteView(kP384Spki);
}

// Whether the bytes are what libcrypto would write for that key, so that equal keys have equal ids.
bool is_canonical(KeyKind kind, ByteView spki) {
  if (kind == KeyKind::rsa)
    return spki.size() > 4 + kRsaAlgorithm.size() && spki[1] == 0x82 &&
           std::ranges::equal(spki.subspan(4, kRsaAlgorithm.size()), kRsaAlgorithm);
  const ByteView prefix = point_prefix(kind);
  return spki.size() == prefix.size() + 2 * coordinate_bytes(kind) &&
         std::ranges::equal(spki.first(prefix.size()), prefix);
}

// A key of each curve, whose group the imported points share: finding a curve by its name costs
// more than reading a point.
EVP_PKEY* template_key(KeyKind kind) {
  static EVP_PKEY* const kP256 = EVP_EC_gen("P-256");
  static EVP_PKEY* const kP384 = EVP_EC_gen("P-384");
  return kind == KeyKind::p256 ? kP256 : kP384;
}

// r || s to DER; empty when the length is not the curve's.
ByteBuffer ecdsa_der(KeyKind kind, ByteView raw) {
  const std::size_t half = coordinate_bytes(kind);
  if (raw.size() != 2 * half) return {};
  EcdsaSignaturePtr parts(ECDSA_SIG_new());
  BignumPtr r(BN_bin2bn(raw.data(), static_cast<int>(half), nullptr));
  BignumPtr s(BN_bin2bn(raw.data() + half, static_cast<int>(half), nullptr));
  if (!parts || !r || !s || ECDSA_SIG_set0(parts.get(), r.get(), s.get()) != 1) return {};
  (void)r.release();  // now parts'
  (void)s.release();
  const int size = i2d_ECDSA_SIG(parts.get(), nullptr);
  if (size <= 0) return {};
  ByteBuffer der(static_cast<std::size_t>(size));
  std::uint8_t* end = der.data();
  CHECK(i2d_ECDSA_SIG(parts.get(), &end) == size);
  return der;
}

bool set_padding(EVP_PKEY_CTX* context, SignatureForm form, const EVP_MD* md) {
  if (form == SignatureForm::rsa_pkcs1)
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

}  // namespace

std::string_view to_text(KeyKind kind) {
  switch (kind) {
    case KeyKind::p256:
      return "P-256";
    case KeyKind::p384:
      return "P-384";
    case KeyKind::rsa:
      return "RSA";
  }
  CHECK(false);
}

std::string_view to_text(Hash hash) {
  switch (hash) {
    case Hash::sha1:
      return "sha1";
    case Hash::sha256:
      return "sha256";
    case Hash::sha384:
      return "sha384";
    case Hash::sha512:
      return "sha512";
  }
  CHECK(false);
}

std::size_t size_of(Hash hash) {
  return static_cast<std::size_t>(EVP_MD_get_size(md_of(hash)));
}

ByteBuffer digest(Hash hash, ByteView data) {
  ByteBuffer out(size_of(hash));
  unsigned size = 0;
  CHECK(EVP_Digest(data.data(), data.size(), out.data(), &size, md_of(hash), nullptr) == 1);
  CHECK(size == out.size());
  return out;
}

Result<PublicKey> PublicKey::own(std::shared_ptr<EVP_PKEY> key, ByteBuffer spki) {
  PublicKey out;
  const int id = EVP_PKEY_get_base_id(key.get());
  out.bits_ = EVP_PKEY_get_bits(key.get());
  if (id == EVP_PKEY_RSA) {
    if (out.bits_ < kRsaBitsMin || out.bits_ > kRsaBitsMax)
      return bad_public_key(
          ErrorCode::unsupported,
          fmt::format("RSA of {} bits, {} to {} are taken", out.bits_, kRsaBitsMin, kRsaBitsMax));
    out.kind_ = KeyKind::rsa;
  } else if (id == EVP_PKEY_EC) {
    std::array<char, 64> group{};
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), &size) != 1)
      return bad_public_key(ErrorCode::unsupported, "its curve has no name");
    const std::string_view name(group.data(), size);
    if (name != "prime256v1" && name != "secp384r1")
      return bad_public_key(ErrorCode::unsupported, "its curve is neither P-256 nor P-384");
    out.kind_ = name == "prime256v1" ? KeyKind::p256 : KeyKind::p384;
  } else {
    return bad_public_key(ErrorCode::unsupported, "neither RSA nor an elliptic curve's");
  }
  out.spki_ = is_canonical(out.kind_, spki) ? std::move(spki) : subject_public_key_info(key.get());
  out.id_ = sha256(out.spki_);
  out.key_ = std::move(key);
  return out;
}

Result<PublicKey> PublicKey::from_spki(ByteView der) {
  if (der.size() > kPemBytesMax) return bad_public_key(ErrorCode::limit_exceeded, "too long");
  for (const KeyKind kind : {KeyKind::p256, KeyKind::p384})
    if (is_canonical(kind, der)) return from_point(kind, der.subspan(point_prefix(kind).size()));
  const std::uint8_t* start = der.data();
  PkeyPtr key(d2i_PUBKEY(nullptr, &start, static_cast<long>(der.size())));
  if (!key || start != der.data() + der.size())
    return bad_public_key(ErrorCode::invalid_argument, "not one SubjectPublicKeyInfo in DER");
  return own(shared(std::move(key)), to_buffer(der));
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  BioPtr bio = TRY(bio_over(pem, "public key"));
  PkeyPtr key = read_public_pem(bio.get());
  if (!key) return bad_public_key(ErrorCode::invalid_argument, "not a PEM public key");
  return own(shared(std::move(key)));
}

Result<PublicKey> PublicKey::from_point(KeyKind kind, ByteView xy) {
  if (kind == KeyKind::rsa || xy.size() != 2 * coordinate_bytes(kind))
    return bad_public_key(ErrorCode::invalid_argument, "a point of another length");
  const ByteView prefix = point_prefix(kind);
  PublicKey out;
  out.spki_.reserve(prefix.size() + xy.size());
  out.spki_.assign(prefix.begin(), prefix.end());
  out.spki_.insert(out.spki_.end(), xy.begin(), xy.end());
  // The template's private half is not copied.
  PkeyPtr key(EVP_PKEY_new());
  const ByteView point = ByteView(out.spki_).last(xy.size() + 1);
  if (!key || EVP_PKEY_copy_parameters(key.get(), template_key(kind)) != 1)
    return fail(openssl_error("public key"));
  if (EVP_PKEY_set1_encoded_public_key(key.get(), point.data(), point.size()) != 1)
    return bad_public_key(ErrorCode::invalid_argument, "not a point of its curve");
  out.kind_ = kind;
  out.bits_ = static_cast<int>(coordinate_bytes(kind) * 8);
  out.id_ = sha256(out.spki_);
  out.key_ = shared(std::move(key));
  return out;
}

Result<PublicKey> PublicKey::from_rsa(ByteView modulus, ByteView exponent) {
  if (modulus.size() > kRsaBitsMax / 8 + 1 || exponent.size() > 8)
    return bad_public_key(ErrorCode::unsupported, "an RSA key that is too long");
  ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  BignumPtr n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  BignumPtr e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  if (!builder || !n || !e ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return fail(openssl_error("public key"));
  ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  auto key = pkey_from_params("RSA", EVP_PKEY_PUBLIC_KEY, params.get());
  if (!key) return bad_public_key(ErrorCode::invalid_argument, "not an RSA key");
  return own(shared(std::move(*key)));
}

bool PublicKey::verify(SignatureForm form, Hash hash, ByteView message, ByteView signature) const {
  const bool ecdsa = form == SignatureForm::ecdsa_raw || form == SignatureForm::ecdsa_der;
  if (hash == Hash::sha1 || ecdsa == (kind_ == KeyKind::rsa)) return false;
  ByteBuffer der;
  if (form == SignatureForm::ecdsa_raw) {
    der = ecdsa_der(kind_, signature);
    if (der.empty()) return false;
    signature = der;
  }
  DigestContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* inner = nullptr;  // context's
  const EVP_MD* md = md_of(hash);
  const bool good = context &&
                    EVP_DigestVerifyInit(context.get(), &inner, md, nullptr, key_.get()) == 1 &&
                    (ecdsa || set_padding(inner, form, md)) &&
                    EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                     message.data(), message.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace penstock::crypto
