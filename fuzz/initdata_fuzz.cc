// links: attest crypto base
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "attest/initdata.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)penstock::attest::parse_initdata(text);
  (void)penstock::attest::initdata_digest(text);
  return 0;
}
