// links: base
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/toml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)penstock::parse_toml(text, "fuzz");
  return 0;
}
