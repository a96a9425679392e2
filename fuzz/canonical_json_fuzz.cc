// links: base
#include <cstdlib>

#include "base/json.h"

using namespace penstock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Result<Json> value =
      parse_json({reinterpret_cast<const char*>(data), size}, "text", {.bytes_max = 1 << 20});
  if (!value) return 0;
  Result<std::string> text = canonical_json(*value);
  if (!text) return 0;
  Json again = parse_json(*text, "canonical text", {.bytes_max = 1 << 24}).value();
  if (again != *value || canonical_json(again).value() != *text) std::abort();
  return 0;
}
