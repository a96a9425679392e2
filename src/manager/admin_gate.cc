#include "manager/admin_gate.h"

#include <algorithm>

#include "crypto/jwt.h"
#include "crypto/sha.h"
#include "keys/owner_token.h"
#include "manager/limits.h"

namespace penstock::manager {
namespace {

std::unexpected<Error> refused(const char* why) {
  return fail(ErrorCode::unauthenticated, why);
}

bool is_token(std::string_view credential, const Credentials& known) {
  return equal_constant_time(as_bytes(credential), known.admin_token.view());
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

AdminGate::AdminGate(Credentials credentials, const Clock& clock)
    : clock_(clock),
      started_ms_(clock.now_ms()),
      credentials_(std::make_shared<const Credentials>(std::move(credentials))) {}

std::shared_ptr<const Credentials> AdminGate::credentials() const {
  const std::lock_guard lock(mutex_);
  return credentials_;
}

Result<> AdminGate::replace_admin_token(ByteView token) {
  SecretBuffer text = TRY(SecretBuffer::create_copy(token));
  const std::lock_guard lock(mutex_);
  credentials_ = std::make_shared<const Credentials>(
      Credentials{std::move(text), credentials_->owner_key, credentials_->managers});
  return {};
}

Result<> AdminGate::replace_owner_key(const crypto::P256PublicKey& key) {
  const std::lock_guard lock(mutex_);
  SecretBuffer token = TRY(credentials_->admin_token.create_clone());
  credentials_ = std::make_shared<const Credentials>(
      Credentials{std::move(token), key, credentials_->managers});
  return {};
}

Result<> AdminGate::replace_managers(std::vector<std::string> pins) {
  const std::lock_guard lock(mutex_);
  SecretBuffer token = TRY(credentials_->admin_token.create_clone());
  credentials_ = std::make_shared<const Credentials>(
      Credentials{std::move(token), credentials_->owner_key, std::move(pins)});
  return {};
}

Result<AdminGate::Claimed> AdminGate::check_owner(const net::HttpRequest& head,
                                                  std::string_view credential,
                                                  const Credentials& known) const {
  if (std::ranges::count(credential, '.') != 2) return refused("the admin token is not this one");
  const auto jwt = crypto::verify_jwt(credential, known.owner_key);
  if (!jwt) return refused("the JWT is not signed by this manager's owner");
  const auto token = keys::OwnerToken::from_claims(jwt->claims);
  if (!token) return fail(ErrorCode::unauthenticated, token.error().text());
  if (std::ranges::find(known.managers, token->manager) == known.managers.end())
    return refused("the owner's JWT is for another manager");
  if (token->method != head.method || token->target != keys::request_target(head.path, head.query))
    return refused("the owner's JWT is for another call");
  const std::int64_t now_s = clock_.now_ms() / 1000;
  if (!crypto::check_jwt_times(jwt->claims, now_s, kClockLeewaySeconds))
    return refused("the owner's JWT has expired or is not valid yet; compare the clocks");
  if (token->expires_s > now_s + kOwnerTokenSecondsMax + kClockLeewaySeconds)
    return refused("the owner's JWT must expire within 5 minutes");
  if (token->issued_ms < started_ms_)
    return refused(
        "the owner's JWT was made before this manager started; make another, and compare the "
        "clocks");
  return Claimed{token->id, token->body_digest, token->expires_s};
}

// Only what the owner has signed gets here, so strangers cannot fill the table.
Result<> AdminGate::use_up(const Claimed& claimed) {
  const std::int64_t over_s = clock_.now_ms() / 1000 - kClockLeewaySeconds;
  const std::lock_guard lock(mutex_);
  std::erase_if(used_, [&](const auto& used) { return used.second < over_s; });
  if (used_.size() >= kUsedOwnerTokensMax)
    return fail(ErrorCode::busy, "too many calls of the owner in five minutes; try again later");
  if (!used_.emplace(claimed.id, claimed.expires_s).second)
    return refused("the owner's JWT was used before: each call needs one of its own");
  return {};
}

bool AdminGate::knows(const net::HttpRequest& head, const std::function<bool()>& verify) const {
  const std::string_view credential = bearer_of(head.field("Authorization"));
  if (credential.empty()) return false;
  const auto known = credentials();
  if (is_token(credential, *known)) return true;
  return verify() && check_owner(head, credential, *known).has_value();
}

Result<Principal> AdminGate::check(const net::HttpRequest& request, Permission wanted) {
  const std::string_view credential = bearer_of(request.field("Authorization"));
  if (credential.empty()) {
    return refused(
        "the admin API needs 'Authorization: Bearer' with the token of admin.token or a "
        "JWT signed by the owner's key");
  }
  const auto known = credentials();
  if (is_token(credential, *known)) {
    if (may(Role::admin, wanted)) return Principal{.id = "admin", .role = Role::admin};
    return fail(ErrorCode::permission_denied,
                "this call needs the owner's signature (--owner-key), the admin token is not "
                "enough");
  }
  const Claimed claimed = TRY(check_owner(request, credential, *known));
  if (claimed.body_digest != to_hex(crypto::sha256(as_bytes(request.body))))
    return refused("the owner's JWT is for another body");
  TRY(use_up(claimed));
  return Principal{.id = "owner", .role = Role::owner};
}

}  // namespace penstock::manager
