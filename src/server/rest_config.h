// The section [rest]: TLS of the REST interface, and who may call it.
//   [rest]
//   certificate = "rest.pem"         # files of the host beside the configuration, in both forms;
//   private_key = "rest.key.pem"     # mode 0600; P-256
//   certificate = "manager"          # or instead: of the manager's workload CA, for a key that
//   never names = ["streams.example"]      # leaves the enclave. All three measured
//   certificate_life_s = 86400       # default and most; renewed when two thirds are over
//   client_ca   = "clients-ca.pem"   # whose certificates log clients in; measured
//   [rest.users.alice]
//   role = "statement"               # query, statement, admin
//   token_sha256 = ["<64 hex>"]      # of tokens that `penstock token new` made; never a token
//   certificate_name = "alice"       # common name of the client's certificate
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keys/manager_ca.h"
#include "net/tls.h"
#include "server/config_reader.h"
#include "server/rest_access.h"

namespace penstock::server {

struct RestSettings {
  std::string certificate, private_key, client_ca;  // names of files; empty: none
  std::vector<std::string> names;                   // with certificate = "manager"
  std::int64_t life_s = keys::kWorkloadSecondsMax;  // likewise
  std::vector<RestUser> users;
  bool of_manager() const { return certificate == keys::kCertificateOfManager; }
  bool tls() const { return !certificate.empty(); }
};

// `table` is [rest]. invalid_argument: an unknown key, one without its other half, two users with
// one certificate name or token; the text names line and key.
Result<RestSettings> parse_rest_settings(const TomlTable& table, std::string_view document);

// What the interface shows and believes.
struct RestIdentity {
  std::shared_ptr<const net::TlsServerIdentity> tls;  // null: plain HTTP
  std::string key_pin;                                // SHA-256 of the certificate's key, hex
  std::int64_t ends_s = 0;                            // when the certificate ends
  std::optional<crypto::Certificate> client_ca;       // whose certificates log clients in
};
// Gives a measured text by its name.
using MeasuredText = std::function<Result<std::string>(const std::string& name)>;
// permission_denied: others may read the key. With certificate = "manager" the clients' CA alone:
// the rest comes from the manager (rest_certificate.h).
Result<RestIdentity> load_rest_identity(const RestSettings& settings,
                                        const std::filesystem::path& folder,
                                        const MeasuredText& client_ca);

}  // namespace penstock::server
