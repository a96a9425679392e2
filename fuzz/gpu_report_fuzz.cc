// links: attest crypto base
// Reports of GPUs, and those of a paravisor.
#include <cstddef>
#include <cstdint>

#include "attest/azure_hcl.h"
#include "attest/nvidia_report.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const penstock::ByteView bytes(data, size);
  if (const auto report = penstock::attest::parse_nvidia_report(bytes)) {
    CHECK(report->signed_part.size() + 96 == size);
  }
  if (const auto report = penstock::attest::parse_hcl_report(bytes)) {
    CHECK(report->hardware_report.size() == 1184);
    (void)report->attestation_key();
  }
  return 0;
}
