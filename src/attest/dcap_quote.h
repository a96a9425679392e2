// Intel's quotes, versions 3 to 5, of SGX enclaves and TDs, and the PCK certificate's extension.
// Parsing alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crypto/pkix.h"

namespace penstock::attest {

// An SGX report body of 384 bytes, by view.
struct SgxBody {
  ByteView bytes;
  ByteView cpusvn() const { return bytes.subspan(0, 16); }
  ByteView miscselect() const { return bytes.subspan(16, 4); }
  ByteView attributes() const { return bytes.subspan(48, 16); }
  std::uint64_t flags() const;
  bool debug() const { return (flags() >> 1 & 1) != 0; }
  ByteView mrenclave() const { return bytes.subspan(64, 32); }
  ByteView mrsigner() const { return bytes.subspan(128, 32); }
  ByteView configid() const { return bytes.subspan(192, 64); }
  unsigned isvprodid() const;
  unsigned isvsvn() const;
  ByteView report_data() const { return bytes.subspan(320, 64); }
};

// A TD report of 584 bytes (1.0), 648 (1.5) or 885 (1.5 extended), by view.
struct TdBody {
  ByteView bytes;
  ByteView tee_tcb_svn() const { return bytes.subspan(0, 16); }
  ByteView mrseam() const { return bytes.subspan(16, 48); }
  ByteView mrsignerseam() const { return bytes.subspan(64, 48); }
  ByteView seamattributes() const { return bytes.subspan(112, 8); }
  ByteView tdattributes() const { return bytes.subspan(120, 8); }
  ByteView xfam() const { return bytes.subspan(128, 8); }
  ByteView mrtd() const { return bytes.subspan(136, 48); }
  ByteView mrconfigid() const { return bytes.subspan(184, 48); }
  ByteView mrowner() const { return bytes.subspan(232, 48); }
  ByteView mrownerconfig() const { return bytes.subspan(280, 48); }
  ByteView rtmr(std::size_t index) const { return bytes.subspan(328 + 48 * index, 48); }
  ByteView report_data() const { return bytes.subspan(520, 64); }
  bool is_15() const { return bytes.size() >= 648; }
  ByteView tee_tcb_svn2() const { return bytes.subspan(584, 16); }
  ByteView mrservicetd() const { return bytes.subspan(600, 48); }
};

struct DcapQuote {
  ByteBuffer bytes;  // without what lies behind
  unsigned version = 0, key_type = 0, body_type = 0;
  bool tdx = false;
  std::size_t body_at = 0, body_size = 0, signed_size = 0;
  // Offsets into bytes
  ByteBuffer signature, attestation_key, qe_signature, qe_auth;
  std::size_t qe_report_at = 0;
  unsigned certification_type = 0;
  ByteBuffer certification;

  ByteView signed_part() const { return ByteView(bytes).first(signed_size); }
  ByteView body() const { return ByteView(bytes).subspan(body_at, body_size); }
  SgxBody sgx() const { return {body()}; }
  TdBody td() const { return {body()}; }
  SgxBody qe() const { return {ByteView(bytes).subspan(qe_report_at, 384)}; }
};

// invalid_argument: lengths, versions, types or the vendor of the quoting enclave. Zero bytes
// behind the quote are ignored.
Result<DcapQuote> parse_dcap_quote(ByteView bytes);

// The quote inside an Open Enclave report (16 bytes of header).
Result<ByteView> quote_of_oe_report(ByteView report);

// What a PCK certificate says of its platform.
struct PckFacts {
  std::array<int, 16> components{};
  int pcesvn = 0;
  std::string fmspc, pceid;  // lower-case hex
  std::string ppid, platform_instance;
};
Result<PckFacts> read_pck(const crypto::PkixCertificate& certificate);

}  // namespace penstock::attest
