#include "cli/rest_login.h"

#include <optional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/limits.h"
#include "cli/manager/admin_options.h"
#include "cli/private_file.h"
#include "net/tls.h"

namespace penstock::cli {
namespace {

Result<crypto::Certificate> load_certificate(const std::filesystem::path& file,
                                             std::string_view what) {
  const std::string pem = TRY(read_file(file, kPemFileBytesMax));
  return TRY_IN(crypto::Certificate::from_pem(pem), fmt::format("{} '{}'", what, file.string()));
}

}  // namespace

net::HttpRequest RestAccount::with_login(net::HttpRequest request) const {
  if (!authorization.empty()) request.fields.push_back({"Authorization", authorization});
  return request;
}

void RestLogin::declare(CLI::App& verb) {
  CLI::Option* ca =
      verb.add_option("--ca", ca_file_, "Certificate (PEM) of the CA of an https server");
  CLI::Option* certificate =
      verb.add_option("--cert", certificate_file_, "Certificate (PEM) that logs in at the server")
          ->needs(ca);
  CLI::Option* key = verb.add_option("--cert-key", key_file_, "Its private key (PEM, mode 0600)")
                         ->needs(certificate);
  certificate->needs(key);
  verb.add_option("--token", token_file_,
                  "File (mode 0600) with the token that logs in at the server")
      ->excludes(certificate);
}

Result<RestAccount> RestLogin::account() const {
  RestAccount out;
  if (!token_file_.empty()) {
    const SecretBuffer text = TRY(read_private_file(token_file_, "token", kTokenBytesMax));
    const SecretBuffer token = TRY(token_of(text.view(), token_file_.string()));
    out.authorization = fmt::format("Bearer {}", as_text(token.view()));
  }
  if (ca_file_.empty()) return out;
  if (certificate_file_.empty()) {
    out.trust = TRY(load_trust(ca_file_));
    return out;
  }
  const auto cas = TRY(load_cas(ca_file_));
  const crypto::Certificate certificate = TRY(load_certificate(certificate_file_, "certificate"));
  const SecretBuffer pem = TRY(read_private_file(key_file_, "private key", kPemFileBytesMax));
  const auto key = TRY_IN(crypto::P256PrivateKey::from_pem(as_text(pem.view())),
                          fmt::format("private key '{}'", key_file_.string()));
  const net::TlsTrust::Own own{.certificate = certificate, .key = key};
  out.trust = TRY(net::TlsTrust::create(cas, &own));
  return out;
}

}  // namespace penstock::cli
