// What AMD's certificates of report-signing keys say. Private to attest.
#pragma once

#include "attest/snp_report.h"
#include "crypto/pkix.h"

namespace penstock::attest {

struct SnpEndorsement {
  std::optional<SnpProduct> product;
  SnpTcb tcb;
  std::optional<ByteBuffer> hardware_id;  // VCEK
  std::optional<std::string> csp_id;      // VLEK
};
Result<SnpEndorsement> read_snp_endorsement(const crypto::PkixCertificate& leaf);

// PEM, DER, or the certificate table that a guest gets with its report.
Result<std::vector<crypto::PkixCertificate>> read_snp_certificates_of(ByteView file);

}  // namespace penstock::attest
