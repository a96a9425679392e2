// Where the manager is and how its owner logs in, as options of a verb.
#pragma once

#include <filesystem>
#include <string>

#include "cli/manager/admin_client.h"
#include "crypto/x509.h"

namespace CLI {
class App;
}

namespace penstock::cli {

class AdminOptions {
 public:
  // --manager, --ca, --token, --owner-key, --data, --development. Bound to this, which outlives the
  // parsing.
  void declare(CLI::App& verb);

  // --data DIR (else the environment's PENSTOCK_MANAGER_DATA) gives what was not said one by one:
  // the files address, ca.pem and admin.token of the manager's folder. invalid_argument: something
  // is missing, or the manager is not at an https address. failed_precondition: the CA of --ca is a
  // development manager's, and --development was not said.
  // as_owner: the call needs the owner's signature, so that folder's owner.key.pem is taken where
  // nothing else was said and it is still there.
  Result<AdminClient> connect(bool as_owner = false) const;

  // --data, or the environment's; "" if neither was said.
  std::filesystem::path folder() const;

 private:
  Result<std::string> url(const std::filesystem::path& folder) const;
  Result<AdminLogin> login(const std::filesystem::path& folder, bool as_owner) const;

  bool development_ = false;
  std::string url_;
  std::filesystem::path ca_file_, token_file_, owner_key_file_, folder_;
};

// A token as its file holds it, without white space around it. invalid_argument: none inside, or
// characters that no token has.
Result<SecretBuffer> token_of(ByteView file, std::string_view name);

// The CA of a file, and behind it the one that will follow it, where that is announced.
Result<std::vector<crypto::Certificate>> load_cas(const std::filesystem::path& file);
// The CA of --ca FILE.
Result<std::shared_ptr<const net::TlsTrust>> load_trust(const std::filesystem::path& file);

}  // namespace penstock::cli
