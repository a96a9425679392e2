// Public keys that guests send; what is encrypted to them is in jwe.cc.
#include <fmt/format.h>
#include <openssl/core_names.h>

#include "base/check.h"
#include "crypto/jwe.h"
#include "crypto/jwk.h"
#include "crypto/limits.h"
#include "crypto/p521.h"

namespace penstock::crypto {
namespace {

constexpr char kRecipientEcdhEs[] = "ECDH-ES+A256KW";
constexpr char kRsaOaep[] = "RSA-OAEP-256";
constexpr std::size_t kRsaBytesMin = 256, kRsaBytesMax = 512;  // 2048 to 4096 bits
constexpr std::size_t kRsaExponentBytesMax = 8;

std::unexpected<Error> bad_recipient(std::string_view what, std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", what, problem));
}

Result<ByteBuffer> number_member(const Json& jwk, std::string_view what, const char* member) {
  std::string text = TRY(json_string(jwk, what, member));
  if (text.size() > kJwkMemberBytesMax)
    return bad_recipient(what, fmt::format("member '{}' has {} characters, at most {} are taken",
                                           member, text.size(), kJwkMemberBytesMax));
  Result<ByteBuffer> bytes = from_base64url(text);
  if (!bytes)
    return bad_recipient(what,
                         fmt::format("member '{}' must be base64url without padding", member));
  return bytes;
}

Result<> check_ec(const Json& jwk, std::string_view what) {
  std::string curve = TRY(json_string(jwk, what, "crv"));
  ByteBuffer x = TRY(number_member(jwk, what, "x"));
  ByteBuffer y = TRY(number_member(jwk, what, "y"));
  if (curve == "P-256") {
    (void)TRY_IN(P256PublicKey::from_coordinates(x, y), what);
  } else if (curve == "P-521") {
    TRY_IN(check_p521_point(x, y), what);
  } else {
    return fail(ErrorCode::unsupported,
                fmt::format("{}: its curve is neither P-256 nor P-521", what));
  }
  return {};
}

Result<> check_rsa(const Json& jwk, std::string_view what) {
  ByteBuffer n = TRY(number_member(jwk, what, "n"));
  ByteBuffer e = TRY(number_member(jwk, what, "e"));
  // Numbers have no leading zero bytes (RFC 7518, 2), so a key has one form.
  if (n.size() < kRsaBytesMin || n.size() > kRsaBytesMax || n.front() == 0 ||
      (n.size() == kRsaBytesMin && n.front() < 0x80))
    return bad_recipient(what, "its modulus does not have 2048 to 4096 bits");
  if ((n.back() & 1) == 0) return bad_recipient(what, "its modulus is even");
  bool one = e.size() == 1 && e.front() == 1;
  if (e.empty() || e.size() > kRsaExponentBytesMax || e.front() == 0 || (e.back() & 1) == 0 || one)
    return bad_recipient(what, "its exponent is not an odd number above 1 of at most 8 bytes");
  return {};
}

Json members_of(const Json& jwk, std::initializer_list<const char*> names) {
  Json out = Json::object();
  for (const char* name : names) out[name] = jwk.at(name);
  return out;
}

}  // namespace

Result<JweRecipient> JweRecipient::from_jwk(const Json& jwk, std::string_view what) {
  std::string kind = TRY(json_string(jwk, what, "kty"));
  std::string algorithm = TRY(json_string(jwk, what, "alg"));
  if (algorithm != kRecipientEcdhEs && algorithm != kRsaOaep)
    return fail(ErrorCode::unsupported, fmt::format("{}: its algorithm is neither {} nor {}", what,
                                                    kRecipientEcdhEs, kRsaOaep));
  if (kind != (algorithm == kRecipientEcdhEs ? "EC" : "RSA"))
    return bad_recipient(what, "its members 'kty' and 'alg' do not fit each other");
  if (kind == "EC") {
    TRY(check_ec(jwk, what));
    return JweRecipient(members_of(jwk, {"alg", "crv", "kty", "x", "y"}));
  }
  TRY(check_rsa(jwk, what));
  return JweRecipient(members_of(jwk, {"alg", "e", "kty", "n"}));
}

JweRecipient JweRecipient::of(const P256PublicKey& key) {
  Json jwk = to_jwk(key);
  jwk["alg"] = kRecipientEcdhEs;
  return JweRecipient(std::move(jwk));
}

std::string_view JweRecipient::algorithm() const {
  return jwk_.at("kty") == "EC" ? kRecipientEcdhEs : kRsaOaep;
}

Sha256Digest JweRecipient::thumbprint() const {
  Json required = jwk_;
  required.erase("alg");
  Result<std::string> text = canonical_json(required);
  CHECK(text.has_value());  // strings of base64url
  return sha256(as_bytes(*text));
}

}  // namespace penstock::crypto
