// AMD SEV-SNP attestation reports, versions 2 to 5, Milan, Genoa and Turin. Parsing alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "attest/anchors.h"

namespace penstock::attest {

enum class SnpProduct : std::uint8_t { milan, genoa, turin };
std::string_view to_text(SnpProduct product);  // "milan"
Pki pki_of(SnpProduct product);
std::optional<SnpProduct> snp_product_named(std::string_view name);  // "Milan-B0", "Turin"

// Security versions of a platform's parts. The bytes lie differently on Turin.
struct SnpTcb {
  std::optional<int> fmc;  // Turin
  int bootloader = 0, tee = 0, snp = 0, microcode = 0;
  friend bool operator==(const SnpTcb&, const SnpTcb&) = default;
  // Every part at least as new as the other's.
  bool at_least(const SnpTcb& other) const;
};
SnpTcb snp_tcb(ByteView eight_bytes, bool turin);
Json to_json(const SnpTcb& tcb);

enum class SnpKey : std::uint8_t { vcek, vlek, none, unknown };
std::string_view to_text(SnpKey key);  // "VCEK"

struct SnpReport {
  ByteBuffer bytes;  // 1184
  std::uint32_t version = 0, guest_svn = 0, vmpl = 0, algorithm = 0, flags = 0;
  std::uint64_t policy = 0, platform_info = 0;
  SnpKey signing_key = SnpKey::unknown;
  bool author_key = false, masked_chip = false;
  std::optional<SnpProduct> product;  // by CPUID; version 2 says nothing
  ByteView field(std::size_t at, std::size_t size) const {
    return ByteView(bytes).subspan(at, size);
  }
  ByteView signed_part() const { return field(0, 672); }
  ByteView report_data() const { return field(80, 64); }
  ByteView measurement() const { return field(144, 48); }
  ByteView host_data() const { return field(192, 32); }
  ByteView id_key_digest() const { return field(224, 48); }
  ByteView author_key_digest() const { return field(272, 48); }
  ByteView chip_id() const { return field(416, 64); }
  ByteView current_tcb() const { return field(56, 8); }
  ByteView reported_tcb() const { return field(384, 8); }
  ByteView committed_tcb() const { return field(480, 8); }
  ByteView launch_tcb() const { return field(496, 8); }
  bool debug() const { return (policy >> 19 & 1) != 0; }
  bool migration_agent() const { return (policy >> 18 & 1) != 0; }
  ByteBuffer signature() const;  // r || s, big endian, 96 bytes
};

// invalid_argument: length, version, algorithm, or an area that must be zero and is not. Zero bytes
// behind the report are ignored.
Result<SnpReport> parse_snp_report(ByteView bytes);

}  // namespace penstock::attest
