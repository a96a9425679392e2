#include "server/rest_config.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/file.h"
#include "base/private_file.h"
#include "keys/limits.h"
#include "server/limits.h"

namespace penstock::server {
namespace {

Result<crypto::Sha256Digest> parse_token_digest(const ConfigTable& user, const std::string& text) {
  const auto bytes = from_hex(text);
  crypto::Sha256Digest out{};
  if (!bytes || bytes->size() != out.size()) {
    return fail(user.wrong(*user.find("token_sha256"), "token_sha256",
                           "64 hex digits each, as `penstock token new` prints them; never a "
                           "token itself"));
  }
  std::ranges::copy(*bytes, out.begin());
  return out;
}

Result<RestUser> parse_user(const ConfigTable& table, std::string_view name) {
  static constexpr std::array<std::string_view, 3> kKeys = {"certificate_name", "role",
                                                            "token_sha256"};
  TRY(table.check_keys(kKeys));
  RestUser out;
  out.name = name;
  std::string role;
  TRY(table.take("role", role));
  if (role.empty()) return fail(table.missing("role"));
  const auto parsed = parse_role(role);
  if (!parsed) return fail(table.wrong(*table.find("role"), "role", parsed.error().text()));
  out.role = *parsed;
  std::vector<std::string> digests;
  TRY(table.take("token_sha256", kTokensPerUserMax, digests));
  for (const std::string& text : digests) {
    out.tokens.push_back(TRY(parse_token_digest(table, text)));
  }
  TRY(table.take("certificate_name", out.certificate_name));
  if (out.tokens.empty() && out.certificate_name.empty()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: the user '{}' cannot log in: give it token_sha256 or "
                            "certificate_name",
                            table.document(), name));
  }
  return out;
}

// One credential names one user.
Result<> check_distinct(const std::vector<RestUser>& users, const RestUser& next,
                        std::string_view document) {
  for (const RestUser& other : users) {
    const bool same_name =
        !next.certificate_name.empty() && other.certificate_name == next.certificate_name;
    const bool same_token = std::ranges::any_of(next.tokens, [&](const auto& token) {
      return std::ranges::find(other.tokens, token) != other.tokens.end();
    });
    if (!same_name && !same_token) continue;
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: the users '{}' and '{}' have the same {}", document, other.name,
                            next.name, same_name ? "certificate_name" : "token"));
  }
  return {};
}

Result<> take_users(const ConfigTable& rest, RestSettings& out) {
  const TomlTable* values = TRY(rest.table("users"));
  if (values == nullptr) return {};
  if (values->size() > kRestUsersMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{}: more than {} users", rest.document(), kRestUsersMax));
  }
  const ConfigTable users(*values, rest.document(), "rest.users.");
  for (const auto& [name, value] : *values) {
    const TomlTable* user = TRY(users.table(name));
    const std::string prefix = fmt::format("rest.users.{}.", name);
    RestUser parsed = TRY(parse_user({*user, rest.document(), prefix}, name));
    TRY(check_distinct(out.users, parsed, rest.document()));
    out.users.push_back(std::move(parsed));
  }
  return {};
}

// What only a certificate of the manager's takes, and what it does not.
Result<> take_of_manager(const ConfigTable& rest, RestSettings& out) {
  for (const char* key : {"names", "certificate_life_s"}) {
    if (out.of_manager() || rest.find(key) == nullptr) continue;
    return fail(
        rest.wrong(*rest.find(key), key, "nothing: it is for certificate = \"manager\" alone"));
  }
  if (!out.of_manager()) return {};
  if (!out.private_key.empty()) {
    return fail(rest.wrong(*rest.find("private_key"), "private_key",
                           "nothing: with certificate = \"manager\" the key never leaves the "
                           "enclave"));
  }
  std::vector<std::string> names;
  TRY(rest.take("names", keys::kWorkloadNamesMax, names));
  if (names.empty()) return fail(rest.missing("names"));
  for (const std::string& name : names) {
    const auto canonical = crypto::canonical_certificate_name(name);
    if (!canonical) {
      return fail(rest.wrong(*rest.find("names"), "names",
                             "DNS names without wildcards, and IP addresses"));
    }
    out.names.push_back(*canonical);
  }
  TRY(rest.take_integer("certificate_life_s", keys::kWorkloadSecondsMax, out.life_s));
  if (out.life_s >= keys::kWorkloadSecondsMin) return {};
  return fail(rest.wrong(*rest.find("certificate_life_s"), "certificate_life_s",
                         fmt::format("{} or more seconds", keys::kWorkloadSecondsMin)));
}

}  // namespace

Result<RestSettings> parse_rest_settings(const TomlTable& table, std::string_view document) {
  const ConfigTable rest(table, document, "rest.");
  static constexpr std::array<std::string_view, 6> kKeys = {
      "certificate", "certificate_life_s", "client_ca", "names", "private_key", "users"};
  TRY(rest.check_keys(kKeys));
  RestSettings out;
  TRY(rest.take("certificate", out.certificate));
  TRY(rest.take("private_key", out.private_key));
  TRY(rest.take("client_ca", out.client_ca));
  TRY(take_of_manager(rest, out));
  if (!out.of_manager() && out.certificate.empty() != out.private_key.empty()) {
    return fail(rest.missing(out.certificate.empty() ? "certificate" : "private_key"));
  }
  if (!out.client_ca.empty() && !out.tls()) return fail(rest.missing("certificate"));
  TRY(take_users(rest, out));
  const bool by_name = std::ranges::any_of(
      out.users, [](const RestUser& user) { return !user.certificate_name.empty(); });
  if (by_name && out.client_ca.empty()) return fail(rest.missing("client_ca"));
  return out;
}

Result<RestIdentity> load_rest_identity(const RestSettings& settings,
                                        const std::filesystem::path& folder,
                                        const MeasuredText& client_ca) {
  RestIdentity out;
  if (!settings.tls()) return out;
  if (!settings.client_ca.empty()) {
    const std::string text = TRY(client_ca(settings.client_ca));
    out.client_ca = TRY_IN(crypto::Certificate::from_pem(text), settings.client_ca);
  }
  if (settings.of_manager()) return out;
  const std::filesystem::path file = folder / settings.certificate;
  const std::string pem = TRY(read_file(file, kPemBytesMax));
  const auto certificate = TRY_IN(crypto::Certificate::from_pem(pem), file.string());
  const std::filesystem::path key_file = folder / settings.private_key;
  const SecretBuffer key_pem =
      TRY(read_private_file(key_file, "private key of the REST interface", kPemBytesMax));
  const auto key =
      TRY_IN(crypto::P256PrivateKey::from_pem(as_text(key_pem.view())), key_file.string());
  out.tls = TRY_IN(
      net::TlsServerIdentity::create(certificate, key, out.client_ca ? &*out.client_ca : nullptr),
      "[rest]");
  out.key_pin = to_hex(certificate.key_pin());
  out.ends_s = certificate.not_after_s();
  return out;
}

}  // namespace penstock::server
