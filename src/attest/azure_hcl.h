// The report of Azure's paravisor (HCL): a hardware report and the runtime data that it is bound
// to.
#pragma once

#include <cstdint>

#include "crypto/public_key.h"

namespace penstock::attest {

inline constexpr std::uint32_t kHclSnp = 2, kHclTdx = 4;

struct HclReport {
  ByteBuffer hardware_report;  // 1184 bytes; for TDX a TDREPORT in front
  std::uint32_t data_size = 0, version = 0, report_type = 0, hash_type = 0;
  ByteBuffer runtime_data;  // JSON, as it came
  ByteView tdreport_data() const { return ByteView(hardware_report).subspan(128, 64); }
  // RSA key "HCLAkPub" of the runtime data.
  Result<crypto::PublicKey> attestation_key() const;
};
Result<HclReport> parse_hcl_report(ByteView bytes);

}  // namespace penstock::attest
