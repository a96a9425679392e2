// A real broker for the mqtt rows: mosquitto, started beside us; it ends with us, however we end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "bench/rows.h"
#include "net/tls.h"

namespace penstock::bench {

class Mosquitto {
 public:
  // The one of this run: it drops nothing and keeps nothing on disk. unavailable: there is no
  // mosquitto here.
  static Result<Mosquitto*> get(const Settings& settings);
  ~Mosquitto();
  Mosquitto(const Mosquitto&) = delete;
  Mosquitto& operator=(const Mosquitto&) = delete;

  std::uint16_t port() const { return port_; }
  std::uint16_t tls_port() const { return tls_port_; }
  const std::shared_ptr<const net::TlsTrust>& trust() const { return trust_; }

 private:
  Mosquitto() = default;
  static Result<std::unique_ptr<Mosquitto>> start(const Settings& settings);
  Result<> make_certificates(const std::filesystem::path& folder);
  Result<> spawn(const std::filesystem::path& folder);

  std::uint16_t port_ = 0, tls_port_ = 0;
  std::shared_ptr<const net::TlsTrust> trust_;
  int pid_ = 0, input_ = -1;  // of the process that holds the broker, or none
};

}  // namespace penstock::bench
