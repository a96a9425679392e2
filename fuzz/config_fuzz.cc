// links: server base
// The configuration file of a stream server, in both of its forms.
#include <cstdint>
#include <string_view>

#include "server/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock::server;
  const auto config = parse_config({reinterpret_cast<const char*>(data), size});
  if (!config && config.error().text().empty()) __builtin_trap();
  if (config && (config->threads < 1 || config->threads > 256)) __builtin_trap();
  if (config && config->initdata.empty() && (config->manager || !config->policies.empty())) {
    __builtin_trap();
  }
  if (config && !config->initdata.empty() && !load_sources(*config, {})) __builtin_trap();
  if (config && config->kafka) {
    const auto& kafka = *config->kafka;
    if (!config->initdata.empty() && kafka.bootstrap.empty()) __builtin_trap();
    if (kafka.certificate.empty() != kafka.private_key.empty()) __builtin_trap();
    if (kafka.user.empty() != kafka.password_file.empty()) __builtin_trap();
    if (kafka.replication == 0 || kafka.sharing.session.count() < 1) __builtin_trap();
  }
  return 0;
}
