#include "manager/admin_gate.h"

#include <algorithm>

#include "crypto/jwt.h"
#include "manager/limits.h"

namespace penstock::manager {
namespace {

constexpr std::string_view kAudience = "penstock-manager";

std::unexpected<Error> refused(const char* why) {
  return fail(ErrorCode::unauthenticated, why);
}

Result<> check_owner_claims(const Json& claims, std::int64_t now_s) {
  const auto audience = claims.find("aud");
  if (audience == claims.end() || *audience != kAudience)
    return refused("the owner's JWT must have \"aud\": \"penstock-manager\"");
  if (auto times = crypto::check_jwt_times(claims, now_s, kClockLeewaySeconds); !times)
    return refused("the owner's JWT has expired or is not valid yet; compare the clocks");
  const auto expires = json_integer(claims, "the owner's JWT", "exp");
  if (!expires || *expires > now_s + kOwnerTokenSecondsMax + kClockLeewaySeconds)
    return refused("the owner's JWT must expire within 5 minutes");
  return {};
}

}  // namespace

std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return {};
  const bool is_bearer = std::ranges::equal(
      authorization.substr(0, kScheme.size()), kScheme,
      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; });
  if (!is_bearer) return {};
  std::string_view credential = authorization.substr(kScheme.size());
  while (credential.starts_with(' ')) credential.remove_prefix(1);
  while (credential.ends_with(' ')) credential.remove_suffix(1);
  return credential;
}

Result<std::string> AdminGate::check(std::string_view authorization) const {
  const std::string_view credential = bearer_of(authorization);
  if (credential.empty()) {
    return refused(
        "the admin API needs 'Authorization: Bearer' with the token of admin.token or a "
        "JWT signed by the owner's key");
  }
  if (equal_constant_time(as_bytes(credential), admin_token_.view())) return std::string("admin");
  if (std::ranges::count(credential, '.') != 2) return refused("the admin token is not this one");
  const auto jwt = crypto::verify_jwt(credential, owner_key_);
  if (!jwt) return refused("the JWT is not signed by this manager's owner");
  TRY(check_owner_claims(jwt->claims, clock_.now_ms() / 1000));
  return std::string("owner");
}

}  // namespace penstock::manager
