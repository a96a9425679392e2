// links: attest crypto base
// Quotes: no length field leads outside, and what is signed lies inside.
#include <cstddef>
#include <cstdint>

#include "attest/dcap_quote.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const penstock::ByteView bytes(data, size);
  if (const auto quote = penstock::attest::parse_dcap_quote(bytes)) {
    CHECK(quote->signed_part().size() < quote->bytes.size());
    CHECK(quote->bytes.size() <= size);
    CHECK(quote->qe().bytes.size() == 384);
    if (quote->tdx) {
      CHECK(quote->td().rtmr(3).size() == 48);
    }
  }
  (void)penstock::attest::quote_of_oe_report(bytes);
  return 0;
}
