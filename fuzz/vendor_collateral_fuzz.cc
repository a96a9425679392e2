// links: attest crypto base
// Collateral of vendors: JSON whose very bytes are signed.
#include <cstddef>
#include <cstdint>

#include "attest/collateral.h"
#include "attest/intel_collateral.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const penstock::ByteView bytes(data, size);
  using namespace penstock::attest;
  if (const auto info = parse_tcb_info(bytes)) {
    const auto& body = info->document.body;
    CHECK(!body.empty() && body.front() == 0x7b && body.back() == 0x7d);
    CHECK(!info->levels.empty());
  }
  if (const auto identity = parse_qe_identity(bytes)) {
    CHECK(!identity->levels.empty());
  }
  (void)parse_wrapped_tcb_info(bytes);
  (void)Collateral::parse(penstock::as_text(bytes));
  return 0;
}
