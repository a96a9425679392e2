#include "server/rest_access.h"

#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "server/limits.h"

namespace penstock::server {
namespace {

constexpr std::array<std::string_view, 4> kRoles = {"none", "query", "statement", "admin"};

std::unexpected<Error> unknown_caller(std::string_view why) {
  return fail(ErrorCode::unauthenticated, std::string(why));
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// What stands behind the scheme's name (any case, RFC 9110 11.1); empty: it is another scheme.
std::string_view credential_of(std::string_view authorization, std::string_view scheme) {
  if (authorization.size() <= scheme.size() || authorization[scheme.size()] != ' ') return {};
  if (!equal_ignoring_case(authorization.substr(0, scheme.size()), scheme)) return {};
  return without_blanks(authorization.substr(scheme.size()));
}

struct UserAndToken {
  std::string user, token;
};

// RFC 7617. One client sends a blank behind the base64, and one inside it.
std::optional<UserAndToken> basic_of(std::string_view credential) {
  const auto bytes = from_base64(credential);
  if (!bytes) return std::nullopt;
  const std::string_view text = as_text(*bytes);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return UserAndToken{std::string(text.substr(0, colon)),
                      std::string(without_blanks(text.substr(colon + 1)))};
}

}  // namespace

std::string_view name_of(Role role) {
  return kRoles[static_cast<std::uint8_t>(role)];
}

Result<Role> parse_role(std::string_view name) {
  for (std::size_t i = 1; i < kRoles.size(); ++i) {
    if (kRoles[i] == name) return static_cast<Role>(i);
  }
  return fail(ErrorCode::invalid_argument, "\"query\", \"statement\" or \"admin\"");
}

Result<> Caller::may(Role needed, std::string_view what) const {
  if (role >= needed) return {};
  return fail(
      ErrorCode::permission_denied,
      fmt::format("{}: the user '{}' has the role '{}', and this takes '{}'. Roles stand in "
                  "[rest.users] of the configuration",
                  what, name, name_of(role), name_of(needed)));
}

Result<Caller> RestAccess::by_token(std::string_view user, std::string_view token) const {
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(token));
  const RestUser* found = nullptr;
  for (const RestUser& one : users_) {  // all of them, whatever matches: no timing tells which
    for (const crypto::Sha256Digest& known : one.tokens) {
      if (equal_constant_time(digest, known)) found = &one;
    }
  }
  const bool named = user.empty() || (found != nullptr && found->name == user);
  if (found == nullptr || !named || token.size() < kTokenCharactersMin) {
    return unknown_caller("the token is not one of this server's, or is another user's");
  }
  return Caller{.name = found->name, .role = found->role};
}

Result<Caller> RestAccess::check(std::string_view authorization,
                                 std::string_view client_name) const {
  if (!asks()) return Caller{};
  if (!authorization.empty()) {
    if (const auto token = credential_of(authorization, "bearer"); !token.empty()) {
      return by_token("", token);
    }
    const auto basic = basic_of(credential_of(authorization, "basic"));
    if (basic) return by_token(basic->user, basic->token);
    return unknown_caller(
        "Authorization: expected 'Bearer TOKEN', or Basic with a token for a "
        "password");
  }
  for (const RestUser& user : users_) {
    if (!client_name.empty() && user.certificate_name == client_name) {
      return Caller{.name = user.name, .role = user.role};
    }
  }
  if (!client_name.empty()) {
    return unknown_caller("the name in the client's certificate is not one of this server's users");
  }
  return unknown_caller(
      "log in: with 'Authorization: Bearer TOKEN', with Basic and a token for a password, or with "
      "a "
      "client's certificate");
}

}  // namespace penstock::server
