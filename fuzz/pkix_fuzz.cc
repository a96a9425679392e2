// links: attest crypto base
// Certificates and CRLs of other people, and extensions of theirs.
#include <cstddef>
#include <cstdint>

#include "attest/dcap_quote.h"
#include "attest/snp_endorsement.h"
#include "base/check.h"
#include "crypto/chain.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const penstock::ByteView bytes(data, size);
  if (const auto certificates = penstock::crypto::read_certificates(bytes)) {
    for (const auto& each : *certificates) {
      CHECK(!each.der().empty());
      (void)each.subject_text();
      (void)penstock::attest::read_pck(each);
      (void)penstock::attest::read_snp_endorsement(each);
    }
    const penstock::crypto::ChainRules rules{.algorithms = {}};
    const auto chain =
        penstock::crypto::build_chain(certificates->front(), *certificates, {}, rules);
    CHECK(chain.has("root") && !chain.anchor);  // nobody is trusted here
  }
  if (const auto crl = penstock::crypto::Crl::read(bytes)) (void)crl->issuer_text();
  return 0;
}
