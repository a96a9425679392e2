// links: attest crypto base
// SNP reports and the certificates that come with them.
#include <cstddef>
#include <cstdint>

#include "attest/snp_endorsement.h"
#include "attest/snp_report.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const penstock::ByteView bytes(data, size);
  if (const auto report = penstock::attest::parse_snp_report(bytes)) {
    CHECK(report->bytes.size() == 1184);
    CHECK(report->signature().size() == 96);
  }
  (void)penstock::attest::read_snp_certificates_of(bytes);
  return 0;
}
