// Who may call the REST interface, and for what.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "crypto/sha.h"

namespace penstock::server {

// Each may do what those before it may.
enum class Role : std::uint8_t {
  none,
  query,      // look: SELECT, PRINT, SHOW, DESCRIBE, EXPLAIN, status and metrics
  statement,  // change what runs: CREATE, INSERT, DROP, PAUSE ...
  admin,      // what makes records count again or concerns the server: ALTER QUERY, ALTER SYSTEM
};
std::string_view name_of(Role role);
Result<Role> parse_role(std::string_view name);  // invalid_argument

struct RestUser {
  std::string name;
  Role role = Role::query;
  std::vector<crypto::Sha256Digest> tokens;  // SHA-256 of each; a token has 128 random bits or more
  std::string certificate_name;              // common name of the client's certificate; empty: none
};

struct Caller {
  std::string name = {};  // empty: nobody is asked who he is
  Role role = Role::admin;
  // permission_denied: the text names the role it takes.
  Result<> may(Role needed, std::string_view what) const;
};

// Thread-safe, immutable.
class RestAccess {
 public:
  RestAccess() = default;  // nobody is asked
  explicit RestAccess(std::vector<RestUser> users) : users_(std::move(users)) {}

  bool asks() const { return !users_.empty(); }
  // By the Authorization field ("Bearer TOKEN", or Basic with the user's name and the token for a
  // password, as ksqlDB's clients send it), else by the name of the certificate that the client has
  // shown. unauthenticated: nobody known; the text does not say what was wrong with a credential.
  Result<Caller> check(std::string_view authorization, std::string_view client_name) const;

 private:
  Result<Caller> by_token(std::string_view user, std::string_view token) const;

  std::vector<RestUser> users_;
};

}  // namespace penstock::server
