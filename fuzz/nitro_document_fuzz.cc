// links: attest crypto base
// Documents of AWS Nitro: CBOR of any encoding.
#include <cstddef>
#include <cstdint>

#include "attest/nitro_document.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const penstock::ByteView bytes(data, size);
  if (const auto document = penstock::attest::parse_nitro_document(bytes)) {
    CHECK(document->signature.size() == 96);
    CHECK(!document->bundle.empty() && !document->pcrs.empty());
  }
  return 0;
}
