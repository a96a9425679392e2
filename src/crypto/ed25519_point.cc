#include "crypto/ed25519_point.h"

#include <algorithm>

#include "crypto/openssl.h"

namespace penstock::crypto {
namespace {

using BignumContextPtr = OpensslPtr<BN_CTX, BN_CTX_free>;

constexpr std::size_t kBytes = 32;
// Hexadecimal, big endian: the field's prime 2^255 - 19, the curve's constant d, and the two y of
// the four points of order 8.
constexpr char kPrime[] = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
constexpr char kD[] = "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";
constexpr char kOrder8[] = "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826";
constexpr char kOrder8Negated[] =
    "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7";

BignumPtr number(const char* hex) {
  BIGNUM* out = nullptr;
  return BignumPtr(BN_hex2bn(&out, hex) > 0 ? out : nullptr);
}

std::unexpected<Error> point_refused() {
  return fail(openssl_error("checking an Ed25519 key"));
}

}  // namespace

Result<bool> is_ed25519_key(ByteView bytes) {
  if (bytes.size() != kBytes) return false;
  ByteBuffer little(bytes.begin(), bytes.end());
  little.back() &= 0x7f;  // the sign of x; both signs of a point of large order are points
  BignumPtr y(BN_lebin2bn(little.data(), kBytes, nullptr));
  BignumPtr p = number(kPrime), d = number(kD), u(BN_new()), v(BN_new());
  BignumPtr low = number(kOrder8), high = number(kOrder8Negated);
  BignumContextPtr context(BN_CTX_new());
  if (!y || !p || !d || !u || !v || !low || !high || !context) return point_refused();
  if (BN_cmp(y.get(), p.get()) >= 0 || BN_is_zero(y.get()) || BN_cmp(y.get(), low.get()) == 0 ||
      BN_cmp(y.get(), high.get()) == 0)
    return false;
  // x^2 = u / v with u = y^2 - 1, v = d y^2 + 1; a quotient is a square exactly if u v is.
  BN_CTX* work = context.get();
  if (BN_mod_sqr(u.get(), y.get(), p.get(), work) != 1 ||
      BN_mod_mul(v.get(), d.get(), u.get(), p.get(), work) != 1 || BN_add_word(v.get(), 1) != 1 ||
      BN_sub_word(u.get(), 1) != 1 || BN_mod_mul(v.get(), u.get(), v.get(), p.get(), work) != 1)
    return point_refused();
  int square = BN_kronecker(v.get(), p.get(), work);  // 0: x = 0, the points of order 1 and 2
  if (square < -1) return point_refused();
  return square == 1;
}

}  // namespace penstock::crypto
