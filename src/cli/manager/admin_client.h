// The admin API of a penstock-manager (/v1).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/json.h"
#include "base/secret.h"
#include "crypto/ec.h"
#include "net/http_client.h"

namespace penstock::cli {

// Proof of being the manager's owner: its admin token, or a key that signs a token per call.
using AdminLogin = std::variant<SecretBuffer, crypto::P256PrivateKey>;

struct AdminAddress {
  net::HttpAddress manager;                    // https
  std::shared_ptr<const net::TlsTrust> trust;  // its CA
  std::string pin;                             // of that CA's key, hex; what signed calls name
  AdminLogin login;
};

// One kept connection. One thread.
class AdminClient {
 public:
  explicit AdminClient(AdminAddress address);

  std::string url() const { return client_.address().url(); }
  const std::string& pin() const { return pin_; }

  // The answer's JSON, null where it has none. Errors carry the manager's own code and message;
  // unavailable: nobody answers there.
  Result<Json> get(std::string path, std::string query = "");
  Result<Json> post(std::string path, const Json& body);
  Result<Json> put(std::string path, const Json& body);
  Result<Json> put_bytes(std::string path, ByteView bytes);
  Result<Json> remove(std::string path);

 private:
  Result<Json> call(net::HttpRequest request);
  Result<std::string> authorization(const net::HttpRequest& request) const;

  AdminLogin login_;
  std::string pin_;
  net::HttpClient client_;
};

// What a manager's answer with an error says: {"code","message"}.
Error admin_error(int status, std::string_view body);

// An app's name as it may stand in a path. invalid_argument.
Result<> check_app_name(std::string_view app);

}  // namespace penstock::cli
