#include "cli/manager/admin_options.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/limits.h"
#include "cli/private_file.h"
#include "keys/limits.h"
#include "keys/manager_ca.h"
#include "net/tls.h"

namespace penstock::cli {
namespace {

constexpr const char* kFolderVariable = "PENSTOCK_MANAGER_DATA";
constexpr const char* kGroup = "Which manager";

Error missing(std::string_view what, std::string_view option) {
  return {ErrorCode::invalid_argument,
          fmt::format("{} is not known: give {}, or --data DIR (or {} in the environment) with the "
                      "manager's folder on this machine",
                      what, option, kFolderVariable)};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

}  // namespace

void AdminOptions::declare(CLI::App& verb) {
  verb.add_option("--data", folder_,
                  "The manager's folder on this machine: address, CA and token are in it (default: "
                  "environment, PENSTOCK_MANAGER_DATA)")
      ->group(kGroup);
  verb.add_option("--manager", url_, "Its address: https://host:port")->group(kGroup);
  verb.add_option("--ca", ca_file_, "Certificate of its CA (PEM), and of the next one behind it")
      ->group(kGroup);
  CLI::Option* token =
      verb.add_option("--token", token_file_, "File with the admin token")->group(kGroup);
  verb.add_option("--owner-key", owner_key_file_, "The owner's private key (PEM), instead of it")
      ->excludes(token)
      ->group(kGroup);
  verb.add_flag("--development", development_,
                "With --ca: it may be a development manager, which believes simulated TEEs")
      ->group(kGroup);
}

std::filesystem::path AdminOptions::folder() const {
  if (!folder_.empty()) return folder_;
  const char* set = std::getenv(kFolderVariable);
  return set == nullptr ? "" : set;
}

Result<AdminClient> AdminOptions::connect(bool as_owner) const {
  const std::filesystem::path from = folder();
  net::HttpAddress address = TRY(net::parse_http_address(TRY(url(from))));
  if (!address.tls)
    return fail(ErrorCode::invalid_argument,
                fmt::format("--manager {}: a manager is spoken to over https only", url_));
  if (ca_file_.empty() && from.empty()) return fail(missing("the manager's CA", "--ca FILE"));
  AdminLogin who = TRY(login(from, as_owner));
  const auto cas = TRY(load_cas(ca_file_.empty() ? from / "ca.pem" : ca_file_));
  for (const crypto::Certificate& ca : cas) {
    if (ca_file_.empty() || development_ || !keys::is_development_ca(ca)) continue;
    return fail(ErrorCode::failed_precondition,
                fmt::format("--ca {}: it is the CA of a development manager ('{}'), which may "
                            "release keys to programs that no TEE protects: say --development if "
                            "that is meant",
                            ca_file_.string(), ca.common_name()));
  }
  auto trust = TRY(net::TlsTrust::create(cas));
  return AdminClient({.manager = std::move(address),
                      .trust = std::move(trust),
                      .pin = to_hex(cas.front().key_pin()),
                      .login = std::move(who)});
}

Result<std::string> AdminOptions::url(const std::filesystem::path& from) const {
  if (!url_.empty()) return url_;
  if (from.empty()) return fail(missing("the manager's address", "--manager URL"));
  Result<std::string> text = read_file(from / "address", kTokenBytesMax);
  if (text) return std::string(trimmed(*text));
  return fail(ErrorCode::not_found,
              fmt::format("{}. A manager writes it when it starts: `penstock-manager --data {}`",
                          text.error().text(), from.string()));
}

Result<AdminLogin> AdminOptions::login(const std::filesystem::path& from, bool as_owner) const {
  std::filesystem::path owner = owner_key_file_;
  std::error_code ignored;
  if (owner.empty() && as_owner && token_file_.empty() && !from.empty() &&
      std::filesystem::exists(from / "owner.key.pem", ignored)) {
    owner = from / "owner.key.pem";
  }
  if (!owner.empty()) {
    SecretBuffer pem = TRY(read_private_file(owner, "owner key", kPemFileBytesMax));
    return AdminLogin(TRY_IN(crypto::P256PrivateKey::from_pem(as_text(pem.view())),
                             fmt::format("owner key '{}'", owner.string())));
  }
  if (token_file_.empty() && from.empty())
    return fail(missing("who you are", "--token FILE or --owner-key FILE"));
  const std::filesystem::path file = token_file_.empty() ? from / "admin.token" : token_file_;
  SecretBuffer text = TRY(read_private_file(file, "admin token", kTokenBytesMax));
  return AdminLogin(TRY(token_of(text.view(), file.string())));
}

Result<SecretBuffer> token_of(ByteView file, std::string_view name) {
  std::string_view token = trimmed(as_text(file));
  const bool clean = std::ranges::all_of(token, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' ||
           c == '~' || c == '+' || c == '/' || c == '=';
  });
  if (token.empty() || !clean)
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' does not hold an admin token on one line", name));
  return SecretBuffer::create_copy(as_bytes(token));
}

Result<std::vector<crypto::Certificate>> load_cas(const std::filesystem::path& file) {
  const std::string pem = TRY(read_file(file, kPemFileBytesMax));
  return TRY_IN(crypto::Certificate::list_from_pem(pem, keys::kManagerCasMax),
                fmt::format("CA '{}'", file.string()));
}

Result<std::shared_ptr<const net::TlsTrust>> load_trust(const std::filesystem::path& file) {
  return net::TlsTrust::create(TRY(load_cas(file)));
}

}  // namespace penstock::cli
