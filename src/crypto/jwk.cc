#include "crypto/jwk.h"

#include <fmt/format.h>

#include "base/secret.h"

namespace penstock::crypto {
namespace {

std::unexpected<Error> bad_jwk(std::string_view what, std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", what, problem));
}

Result<> check_kind(const Json& jwk, std::string_view what, std::size_t members) {
  if (!jwk.is_object()) return bad_jwk(what, "expected a JSON Web Key, an object");
  if (TRY(json_string(jwk, what, "kty")) != "EC" || TRY(json_string(jwk, what, "crv")) != "P-256")
    return bad_jwk(what, "expected a key with \"kty\": \"EC\" and \"crv\": \"P-256\"");
  if (jwk.size() != members)
    return bad_jwk(what, members == 4 ? "expected exactly the members crv, kty, x, y"
                                      : "expected exactly the members crv, d, kty, x, y");
  return {};
}

Result<ByteBuffer> base64url_member(const Json& jwk, std::string_view what, const char* member) {
  std::string text = TRY(json_string(jwk, what, member));
  Result<ByteBuffer> bytes = from_base64url(text);
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (!bytes || bytes->size() != kP256CoordinateBytes)
    return bad_jwk(what, fmt::format("member '{}' must be {} bytes in base64url", member,
                                     kP256CoordinateBytes));
  return bytes;
}

Result<P256PublicKey> public_part(const Json& jwk, std::string_view what) {
  ByteBuffer x = TRY(base64url_member(jwk, what, "x"));
  ByteBuffer y = TRY(base64url_member(jwk, what, "y"));
  return TRY_IN(P256PublicKey::from_coordinates(x, y), what);
}

}  // namespace

Json to_jwk(const P256PublicKey& key) {
  return Json{
      {"kty", "EC"}, {"crv", "P-256"}, {"x", to_base64url(key.x())}, {"y", to_base64url(key.y())}};
}

Result<P256PublicKey> public_key_from_jwk(const Json& jwk, std::string_view what) {
  TRY(check_kind(jwk, what, 4));
  return public_part(jwk, what);
}

Json to_jwk(const P256PrivateKey& key) {
  Json jwk = to_jwk(key.public_key());
  std::string d = to_base64url(key.scalar());
  jwk["d"] = d;
  wipe({reinterpret_cast<std::uint8_t*>(d.data()), d.size()});
  return jwk;
}

Result<P256PrivateKey> private_key_from_jwk(const Json& jwk, std::string_view what) {
  TRY(check_kind(jwk, what, 5));
  P256PublicKey stated = TRY(public_part(jwk, what));
  ByteBuffer d = TRY(base64url_member(jwk, what, "d"));
  Result<P256PrivateKey> key = P256PrivateKey::from_scalar(d);
  wipe(d);
  if (!key) return fail(key.error().in(what));
  if (key->public_key() != stated)
    return bad_jwk(what, "members 'x' and 'y' are not the public key of 'd'");
  return key;
}

void wipe_json(Json& json) {
  if (json.is_string()) {
    auto& text = json.get_ref<Json::string_t&>();
    wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  } else if (json.is_structured()) {
    for (Json& inner : json) wipe_json(inner);
  }
}

}  // namespace penstock::crypto
