#include "crypto/p521.h"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include "base/check.h"
#include "crypto/openssl.h"

namespace penstock::crypto {
namespace {

constexpr std::size_t kP521PointBytes = 1 + 2 * kP521CoordinateBytes;
constexpr std::uint8_t kP521Uncompressed = 0x04;
constexpr std::uint8_t kTopByteMask = 0x01;  // 521 = 65 * 8 + 1

const EC_GROUP* p521_group() {
  static const EcGroupPtr p521(EC_GROUP_new_by_curve_name(NID_secp521r1));
  CHECK(p521 != nullptr);
  return p521.get();
}

std::unexpected<Error> p521_refused() {
  return fail(openssl_error("ECDH on P-521"));
}

Result<EcPointPtr> point_of(ByteView x, ByteView y) {
  if (x.size() != kP521CoordinateBytes || y.size() != kP521CoordinateBytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("P-521 key: coordinates of {} and {} bytes, expected {} each", x.size(),
                            y.size(), kP521CoordinateBytes));
  ByteBuffer bytes;
  bytes.reserve(kP521PointBytes);
  bytes.push_back(kP521Uncompressed);
  bytes.insert(bytes.end(), x.begin(), x.end());
  bytes.insert(bytes.end(), y.begin(), y.end());
  EcPointPtr point(EC_POINT_new(p521_group()));
  if (!point) return p521_refused();
  // Refuses points off the curve and coordinates that are not reduced.
  if (EC_POINT_oct2point(p521_group(), point.get(), bytes.data(), bytes.size(), nullptr) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::invalid_argument, "P-521 key: the point is not on the curve");
  }
  return point;
}

Result<BignumPtr> fresh_scalar(RandomSource& random) {
  SecretBuffer bytes = TRY(SecretBuffer::create(kP521CoordinateBytes));
  BignumPtr number(BN_secure_new());
  if (!number) return p521_refused();
  // The order is just below 2^521, so a draw is out of range practically never.
  for (int draw = 0; draw < 16; ++draw) {
    TRY(random.fill(bytes.span()));
    bytes.span()[0] &= kTopByteMask;
    if (BN_bin2bn(bytes.view().data(), static_cast<int>(bytes.size()), number.get()) == nullptr)
      return p521_refused();
    BN_set_flags(number.get(), BN_FLG_CONSTTIME);
    if (!BN_is_zero(number.get()) && BN_cmp(number.get(), EC_GROUP_get0_order(p521_group())) < 0)
      return number;
  }
  return fail(ErrorCode::internal, "P-521 key: the random source gives no usable scalars");
}

// 04 || x || y; for the shared point a secret.
Result<SecretBuffer> bytes_of(const EC_POINT* point) {
  SecretBuffer out = TRY(SecretBuffer::create(kP521PointBytes));
  if (EC_POINT_point2oct(p521_group(), point, POINT_CONVERSION_UNCOMPRESSED, out.span().data(),
                         out.size(), nullptr) != kP521PointBytes)
    return p521_refused();  // the point at infinity too
  return out;
}

}  // namespace

Result<> check_p521_point(ByteView x, ByteView y) {
  TRY(point_of(x, y));
  return {};
}

Result<P521Agreement> agree_on_p521(ByteView peer_x, ByteView peer_y, RandomSource& random) {
  EcPointPtr peer = TRY(point_of(peer_x, peer_y));
  BignumPtr scalar = TRY(fresh_scalar(random));
  EcPointPtr own(EC_POINT_new(p521_group())), shared(EC_POINT_new(p521_group()));
  if (!own || !shared ||
      EC_POINT_mul(p521_group(), own.get(), scalar.get(), nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_mul(p521_group(), shared.get(), nullptr, peer.get(), scalar.get(), nullptr) != 1)
    return p521_refused();
  SecretBuffer own_bytes = TRY(bytes_of(own.get()));
  SecretBuffer shared_bytes = TRY(bytes_of(shared.get()));
  ByteView x = own_bytes.view().subspan(1, kP521CoordinateBytes);
  ByteView y = own_bytes.view().last(kP521CoordinateBytes);
  ByteView secret = shared_bytes.view().subspan(1, kP521CoordinateBytes);
  return P521Agreement{to_buffer(x), to_buffer(y), TRY(SecretBuffer::create_copy(secret))};
}

}  // namespace penstock::crypto
