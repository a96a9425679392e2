// links: attest crypto base
// XML and reference manifests: what is read has one canonical form, which reads as itself.
#include <cstddef>
#include <cstdint>

#include "attest/nvidia_rim.h"
#include "attest/xml.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const penstock::ByteView bytes(data, size);
  if (const auto root = penstock::attest::parse_xml(penstock::as_text(bytes))) {
    const std::string form = penstock::attest::canonical_xml(**root);
    const auto again = penstock::attest::parse_xml(form);
    CHECK(!again || penstock::attest::canonical_xml(**again) == form);
  }
  (void)penstock::attest::parse_nvidia_rim(bytes);
  return 0;
}
