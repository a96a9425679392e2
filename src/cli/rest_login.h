// How a verb reaches a penstockd's REST interface: whom it believes, and who it says it is.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"
#include "net/http_client.h"

namespace CLI {
class App;
}

namespace penstock::cli {

struct RestAccount {
  std::shared_ptr<const net::TlsTrust> trust = nullptr;  // https needs it
  std::string authorization = {};                        // of the field; empty: none

  // With the field, where there is one.
  net::HttpRequest with_login(net::HttpRequest request) const;
};

class RestLogin {
 public:
  // --ca, --cert, --cert-key, --token. Bound to this, which outlives the parsing.
  void declare(CLI::App& verb);
  // Reads the files. permission_denied: others may read the token or the key.
  Result<RestAccount> account() const;

 private:
  std::filesystem::path ca_file_, certificate_file_, key_file_, token_file_;
};

}  // namespace penstock::cli
