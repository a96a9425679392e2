// What `penstock mqtt sub` and `pub` have in common: options of mosquitto's clients, where they
// mean the same.
#pragma once

#include <filesystem>
#include <string>

#include "connect/mqtt/client.h"

namespace CLI {
class App;
}

namespace penstock::cli {

class MqttOptions {
 public:
  // Bound to this, which outlives the parsing.
  void declare(CLI::App& verb);
  // invalid_argument; permission_denied: others may read the password or the key.
  Result<connect::mqtt::ClientOptions> client() const;
  std::uint8_t qos() const { return static_cast<std::uint8_t>(qos_); }

 private:
  Result<std::shared_ptr<const net::TlsTrust>> trust() const;
  Result<std::optional<std::string>> password() const;

  std::string host_ = "localhost", id_, user_, password_, version_ = "5";
  std::filesystem::path password_file_, ca_file_, certificate_file_, key_file_;
  int port_ = 0, keep_alive_s_ = 60, qos_ = 0;
  bool keep_session_ = false;
  std::int64_t session_expiry_s_ = 0;
  std::string will_topic_, will_payload_;
  int will_qos_ = 0;
  bool will_retain_ = false;
};

}  // namespace penstock::cli
