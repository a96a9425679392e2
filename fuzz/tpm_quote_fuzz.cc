// links: attest crypto base
// TPM quotes, signatures, public areas and PCR values.
#include <cstddef>
#include <cstdint>

#include "attest/tpm_quote.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const penstock::ByteView bytes(data, size);
  if (const auto quote = penstock::attest::parse_tpm_quote(bytes)) {
    CHECK(quote->bytes.size() == size);
  }
  if (const auto area = penstock::attest::parse_tpm_public(bytes)) {
    CHECK(area->name.size() > 32);
    (void)penstock::attest::parse_tpm_signature(bytes, "tpmt", area->key);
  }
  (void)penstock::attest::parse_pcrs(bytes);
  return 0;
}
