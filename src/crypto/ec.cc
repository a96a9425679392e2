#include "crypto/ec.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include "base/check.h"
#include "crypto/cbor.h"
#include "crypto/openssl.h"
#include "crypto/pkey.h"

namespace penstock::crypto {
namespace {

constexpr std::size_t kPointBytes = 1 + 2 * kP256CoordinateBytes;
constexpr std::uint8_t kUncompressed = 0x04;

const EC_GROUP* group() {
  static const EcGroupPtr p256(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  CHECK(p256 != nullptr);
  return p256.get();
}

std::unexpected<Error> bad_key(std::string_view problem) {
  ERR_clear_error();
  return fail(ErrorCode::invalid_argument, fmt::format("P-256 key: {}", problem));
}

Result<P256PublicKey> public_key_of(ByteView scalar) {
  BignumPtr number(BN_secure_new());
  if (!number || BN_bin2bn(scalar.data(), static_cast<int>(scalar.size()), number.get()) == nullptr)
    return fail(openssl_error("P-256 key"));
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  if (BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group())) >= 0)
    return bad_key("the private scalar is not between 1 and the group's order minus 1");
  EcPointPtr point(EC_POINT_new(group()));
  std::array<std::uint8_t, kPointBytes> bytes;
  if (!point || EC_POINT_mul(group(), point.get(), number.get(), nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group(), point.get(), POINT_CONVERSION_UNCOMPRESSED, bytes.data(),
                         bytes.size(), nullptr) != bytes.size())
    return fail(openssl_error("P-256 key"));
  return P256PublicKey::from_point(bytes);
}

}  // namespace

Result<P256PublicKey> P256PublicKey::from_coordinates(ByteView x, ByteView y) {
  if (x.size() != kP256CoordinateBytes || y.size() != kP256CoordinateBytes)
    return bad_key(fmt::format("coordinates of {} and {} bytes, expected {} each", x.size(),
                               y.size(), kP256CoordinateBytes));
  P256PublicKey key;
  std::copy(x.begin(), x.end(), key.xy_.begin());
  std::copy(y.begin(), y.end(), key.xy_.begin() + kP256CoordinateBytes);
  ByteBuffer bytes = key.to_point();
  EcPointPtr point(EC_POINT_new(group()));
  if (!point) return fail(openssl_error("P-256 key"));
  // Refuses points off the curve and coordinates that are not reduced.
  if (EC_POINT_oct2point(group(), point.get(), bytes.data(), bytes.size(), nullptr) != 1)
    return bad_key("the point is not on the curve");
  return key;
}

Result<P256PublicKey> P256PublicKey::from_point(ByteView point) {
  if (point.size() != kPointBytes || point[0] != kUncompressed)
    return bad_key(fmt::format("expected an uncompressed point of {} bytes", kPointBytes));
  return from_coordinates(point.subspan(1, kP256CoordinateBytes), point.last(kP256CoordinateBytes));
}

Result<P256PublicKey> P256PublicKey::from_cose_key(ByteView cose_key) {
  CborReader reader = TRY(CborReader::over(cose_key, "COSE_Key"));
  TRY(reader.expect_map(4));
  TRY(reader.expect_integer(1));   // kty
  TRY(reader.expect_integer(2));   // EC2
  TRY(reader.expect_integer(-1));  // crv
  TRY(reader.expect_integer(1));   // P-256
  TRY(reader.expect_integer(-2));
  ByteView x = TRY(reader.bytes());
  TRY(reader.expect_integer(-3));
  ByteView y = TRY(reader.bytes());
  return from_coordinates(x, y);
}

Result<P256PublicKey> P256PublicKey::from_pem(std::string_view pem) {
  BioPtr bio = TRY(bio_over(pem, "P-256 key"));
  PkeyPtr key = read_public_pem(bio.get());
  if (!key) return bad_key("not a PEM public key");
  return p256_of(key.get());
}

ByteBuffer P256PublicKey::to_point() const {
  ByteBuffer out;
  out.reserve(kPointBytes);
  out.push_back(kUncompressed);
  out.insert(out.end(), xy_.begin(), xy_.end());
  return out;
}

ByteBuffer P256PublicKey::to_cose_key() const {
  ByteBuffer out;
  CborWriter writer(out);
  writer.map(4);
  writer.integer(1);
  writer.integer(2);
  writer.integer(-1);
  writer.integer(1);
  writer.integer(-2);
  writer.bytes(x());
  writer.integer(-3);
  writer.bytes(y());
  return out;
}

std::string P256PublicKey::to_pem() const {
  Result<PkeyPtr> key = make_pkey(*this);
  CHECK(key.has_value());
  return public_pem_of(key->get());
}

Thumbprint P256PublicKey::thumbprint() const {
  return sha256(to_cose_key());
}

bool P256PublicKey::verify_es256(ByteView message, ByteView signature) const {
  if (signature.size() != kEs256SignatureBytes) return false;
  EcdsaSignaturePtr parts(ECDSA_SIG_new());
  BignumPtr r(BN_bin2bn(signature.data(), kP256CoordinateBytes, nullptr));
  BignumPtr s(BN_bin2bn(signature.data() + kP256CoordinateBytes, kP256CoordinateBytes, nullptr));
  if (!parts || !r || !s || ECDSA_SIG_set0(parts.get(), r.get(), s.get()) != 1) return false;
  (void)r.release();  // now parts'
  (void)s.release();
  std::uint8_t der[80];  // two integers of at most 33 bytes
  std::uint8_t* end = der;
  CHECK(i2d_ECDSA_SIG(parts.get(), nullptr) <= static_cast<int>(sizeof der));
  int size = i2d_ECDSA_SIG(parts.get(), &end);
  Result<PkeyPtr> key = make_pkey(*this);
  DigestContextPtr context(EVP_MD_CTX_new());
  if (size <= 0 || !key || !context) return false;
  bool verified =
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key->get()) == 1 &&
      EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(size), message.data(),
                       message.size()) == 1;
  if (!verified) ERR_clear_error();
  return verified;
}

Result<P256PrivateKey> P256PrivateKey::generate(RandomSource& random) {
  SecretBuffer scalar = TRY(SecretBuffer::create(kP256CoordinateBytes));
  // A draw is out of range about once in 2^32; many in a row mean a broken source.
  for (int draw = 0; draw < 16; ++draw) {
    TRY(random.fill(scalar.span()));
    Result<P256PrivateKey> key = from_scalar(scalar.view());
    if (key) return key;
  }
  return fail(ErrorCode::internal, "P-256 key: the random source gives no usable scalars");
}

Result<P256PrivateKey> P256PrivateKey::from_scalar(ByteView scalar) {
  if (scalar.size() != kP256CoordinateBytes)
    return bad_key(fmt::format("private scalar of {} bytes, expected {}", scalar.size(),
                               kP256CoordinateBytes));
  P256PublicKey public_key = TRY(public_key_of(scalar));
  return P256PrivateKey(TRY(SecretBuffer::create_copy(scalar)), public_key);
}

Result<P256PrivateKey> P256PrivateKey::from_pem(std::string_view pem) {
  BioPtr bio = TRY(bio_over(pem, "P-256 key"));
  PkeyPtr key = read_private_pem(bio.get());
  if (!key) return bad_key("not an unencrypted PEM private key");
  if (!is_p256(key.get())) return bad_key("the PEM holds a key of another kind");
  BIGNUM* number = nullptr;
  bool found = EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1;
  BignumPtr owner(number);
  SecretBuffer scalar = TRY(SecretBuffer::create(kP256CoordinateBytes));
  constexpr int kBytes = kP256CoordinateBytes;
  if (!found || BN_bn2binpad(number, scalar.span().data(), kBytes) != kBytes)
    return bad_key("the PEM holds no private scalar");
  return from_scalar(scalar.view());
}

Result<SecretBuffer> P256PrivateKey::to_pem() const {
  PkeyPtr key = TRY(make_pkey(*this));
  return private_pem_of(key.get());
}

Result<Es256Signature> P256PrivateKey::sign_es256(ByteView message) const {
  PkeyPtr key = TRY(make_pkey(*this));
  DigestContextPtr context(EVP_MD_CTX_new());
  std::uint8_t der[80];
  std::size_t size = sizeof der;
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), der, &size, message.data(), message.size()) != 1)
    return fail(openssl_error("ES256 signature"));
  const std::uint8_t* start = der;
  EcdsaSignaturePtr parts(d2i_ECDSA_SIG(nullptr, &start, static_cast<long>(size)));
  if (!parts) return fail(openssl_error("ES256 signature"));
  Es256Signature out;
  constexpr int kHalf = kP256CoordinateBytes;
  if (BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), out.data(), kHalf) != kHalf ||
      BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), out.data() + kHalf, kHalf) != kHalf)
    return fail(openssl_error("ES256 signature"));
  return out;
}

Result<SecretBuffer> P256PrivateKey::agree(const P256PublicKey& peer) const {
  PkeyPtr own = TRY(make_pkey(*this));
  PkeyPtr other = TRY(make_pkey(peer));
  PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr));
  SecretBuffer shared = TRY(SecretBuffer::create(kP256CoordinateBytes));
  std::size_t size = shared.size();
  if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1 ||
      EVP_PKEY_derive(context.get(), shared.span().data(), &size) != 1)
    return fail(openssl_error("ECDH on P-256"));
  CHECK(size == shared.size());
  return shared;
}

}  // namespace penstock::crypto
