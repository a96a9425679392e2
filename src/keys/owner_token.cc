#include "keys/owner_token.h"

#include <fmt/format.h>

#include "crypto/jwt.h"
#include "crypto/sha.h"

namespace penstock::keys {
namespace {

constexpr std::string_view kOwnerAudience = "penstock-manager";
constexpr std::string_view kOwnerToken = "the owner's JWT";
constexpr std::int64_t kOwnerTokenSeconds = 120;
constexpr std::size_t kOwnerTokenIdBytes = 16;
constexpr std::size_t kOwnerTokenIdTextMax = 64;

}  // namespace

std::string request_target(std::string_view path, std::string_view query) {
  return query.empty() ? std::string(path) : fmt::format("{}?{}", path, query);
}

Result<OwnerToken> OwnerToken::from_claims(const Json& claims) {
  if (TRY(json_string(claims, kOwnerToken, "aud")) != kOwnerAudience) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} must have \"aud\": \"{}\"", kOwnerToken, kOwnerAudience));
  }
  OwnerToken out;
  out.manager = TRY(json_string(claims, kOwnerToken, "mgr"));
  out.method = TRY(json_string(claims, kOwnerToken, "htm"));
  out.target = TRY(json_string(claims, kOwnerToken, "htu"));
  out.body_digest = TRY(json_string(claims, kOwnerToken, "bdy"));
  out.id = TRY(json_string(claims, kOwnerToken, "jti"));
  out.issued_ms = TRY(json_integer(claims, kOwnerToken, "iat_ms"));
  out.expires_s = TRY(json_integer(claims, kOwnerToken, "exp"));
  if (out.id.size() < kOwnerTokenIdBytes || out.id.size() > kOwnerTokenIdTextMax) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: 'jti' must have {} to {} characters", kOwnerToken,
                            kOwnerTokenIdBytes, kOwnerTokenIdTextMax));
  }
  return out;
}

Result<std::string> sign_owner_token(std::string_view manager, std::string_view method,
                                     std::string_view target, ByteView body, std::int64_t now_ms,
                                     const crypto::P256PrivateKey& key,
                                     crypto::RandomSource& random) {
  std::array<std::uint8_t, kOwnerTokenIdBytes> id{};
  TRY(random.fill(id));
  const Json claims = {{"aud", kOwnerAudience},
                       {"mgr", manager},
                       {"htm", method},
                       {"htu", target},
                       {"bdy", to_hex(crypto::sha256(body))},
                       {"jti", to_hex(id)},
                       {"iat", now_ms / 1000},
                       {"iat_ms", now_ms},
                       {"exp", now_ms / 1000 + kOwnerTokenSeconds}};
  return crypto::sign_jwt(claims, key);
}

}  // namespace penstock::keys
