#include "crypto/jwt.h"

#include <cmath>

#include <fmt/format.h>

#include "crypto/limits.h"

namespace penstock::crypto {
namespace {

constexpr char kAlgorithm[] = "ES256";

std::unexpected<Error> bad_token(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("token (JWT): {}", problem));
}

Result<std::string> encoded(const Json& object) {
  try {
    return to_base64url(as_bytes(object.dump()));
  } catch (const Json::exception&) {
    return bad_token("a string to be signed is not valid UTF-8");
  }
}

struct Parts {
  std::string_view header, claims, signature;  // base64url
  std::string_view signed_text;                // header.claims
};

Result<Parts> split(std::string_view token) {
  if (token.size() > kJwtBytesMax)
    return bad_token(fmt::format("{} bytes, at most {} are taken", token.size(), kJwtBytesMax));
  std::size_t first = token.find('.');
  std::size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos)
    return bad_token("expected three parts with dots between them");
  return Parts{.header = token.substr(0, first),
               .claims = token.substr(first + 1, second - first - 1),
               .signature = token.substr(second + 1),
               .signed_text = token.substr(0, second)};
}

Result<Json> decoded(std::string_view part, std::string_view what) {
  Result<ByteBuffer> text = from_base64url(part);
  if (!text) return bad_token(fmt::format("its {} are not base64url without padding", what));
  Result<Json> object = parse_json(as_text(*text), fmt::format("token (JWT): its {}", what),
                                   {.bytes_max = kJwtBytesMax, .depth_max = 32});
  // Depth is no limit of its own to the caller: such a token is no token to us.
  if (!object) return fail(ErrorCode::invalid_argument, object.error().text());
  if (!object->is_object()) return bad_token(fmt::format("its {} are not a JSON object", what));
  return object;
}

Result<> check_jwt_header(const Json& header) {
  auto algorithm = header.find("alg");
  if (algorithm == header.end() || *algorithm != kAlgorithm)
    return bad_token(fmt::format("expected algorithm {}", kAlgorithm));
  if (header.contains("crit")) return bad_token("it has critical header members, none are known");
  return {};
}

// Seconds since 1970 (RFC 7519, NumericDate), which may have a fraction.
Result<double> numeric_date(const Json& claims, const char* name) {
  const Json& value = claims.at(name);
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    return bad_token(fmt::format("claim '{}' must be a number of seconds", name));
  return value.get<double>();
}

}  // namespace

Result<std::string> sign_jwt(const Json& claims, const P256PrivateKey& key, Json header) {
  if (!claims.is_object() || !header.is_object())
    return bad_token("header and claims to be signed must be JSON objects");
  header["alg"] = kAlgorithm;
  if (!header.contains("typ")) header["typ"] = "JWT";
  std::string token = TRY(encoded(header));
  token += '.';
  token += TRY(encoded(claims));
  Es256Signature signature = TRY(key.sign_es256(as_bytes(token)));
  token += '.';
  token += to_base64url(signature);
  if (token.size() > kJwtBytesMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("token (JWT): {} bytes, at most {}", token.size(), kJwtBytesMax));
  return token;
}

Result<Jwt> verify_jwt(std::string_view token, const P256PublicKey& key) {
  Parts parts = TRY(split(token));
  Json header = TRY(decoded(parts.header, "header's bytes"));
  TRY(check_jwt_header(header));
  Result<ByteBuffer> signature = from_base64url(parts.signature);
  if (!signature || signature->size() != kEs256SignatureBytes)
    return bad_token(
        fmt::format("its signature is not {} bytes in base64url", kEs256SignatureBytes));
  // Nothing of the claims is looked at before it is known who made them.
  if (!key.verify_es256(as_bytes(parts.signed_text), *signature))
    return fail(ErrorCode::not_authentic, "token (JWT): not signed by the expected key");
  Json claims = TRY(decoded(parts.claims, "claims"));
  return Jwt{std::move(header), std::move(claims)};
}

Result<> check_jwt_times(const Json& claims, std::int64_t now_s, std::int64_t leeway_s) {
  if (!claims.is_object() || !claims.contains("exp")) return bad_token("claim 'exp' is missing");
  auto now = static_cast<double>(now_s);
  auto leeway = static_cast<double>(leeway_s);
  if (double expiry = TRY(numeric_date(claims, "exp")); now - leeway >= expiry)
    return fail(ErrorCode::unauthenticated,
                fmt::format("token (JWT): expired at {:.0f} s, it is {} s now; get a new one, or "
                            "check the clock",
                            expiry, now_s));
  for (const char* name : {"nbf", "iat"}) {
    if (!claims.contains(name)) continue;
    if (double from = TRY(numeric_date(claims, name)); now + leeway < from)
      return fail(
          ErrorCode::unauthenticated,
          fmt::format("token (JWT): valid only from {:.0f} s on ({}), it is {} s now; check "
                      "the clock",
                      from, name, now_s));
  }
  return {};
}

}  // namespace penstock::crypto
