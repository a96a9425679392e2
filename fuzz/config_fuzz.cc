// links: server base
// The configuration file of a stream server.
#include <cstdint>
#include <string_view>

#include "server/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config = penstock::server::parse_config({reinterpret_cast<const char*>(data), size});
  if (!config && config.error().text().empty()) __builtin_trap();
  if (config && (config->threads < 1 || config->threads > 256)) __builtin_trap();
  return 0;
}
