#include "attest/snp_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "attest/rule_book.h"
#include "base/check.h"

namespace penstock::attest {
namespace {

constexpr std::size_t kReportBytes = 1184, kSignatureAt = 672, kHalfBytes = 72, kCoordinate = 48;
constexpr std::uint32_t kEcdsaP384Sha384 = 1;

std::unexpected<Error> bad_report(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("SNP report: {}", problem));
}

std::optional<SnpProduct> product_of(unsigned family, unsigned model) {
  if (family == 0x19 && model <= 0x0f) return SnpProduct::milan;
  if (family == 0x19 && ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf)))
    return SnpProduct::genoa;
  if (family == 0x1a && model <= 0x11) return SnpProduct::turin;
  return std::nullopt;
}

// Areas that no version uses, and the parts of the signature behind a P-384 number.
Result<> check_zeros(const SnpReport& report) {
  struct Area {
    std::size_t from, to;
    std::uint32_t before_version;
  };
  constexpr Area kAreas[] = {{76, 80, 99},   {392, 395, 3},  {395, 416, 99}, {491, 492, 99},
                             {495, 496, 99}, {504, 520, 5},  {520, 672, 99}, {720, 744, 99},
                             {792, 816, 99}, {816, 1184, 99}};
  for (const Area& area : kAreas)
    if (report.version < area.before_version &&
        !all_zero(report.field(area.from, area.to - area.from)))
      return bad_report(fmt::format("bytes {} to {} must be zero", area.from, area.to - 1));
  return {};
}

}  // namespace

std::string_view to_text(SnpProduct product) {
  switch (product) {
    case SnpProduct::milan:
      return "milan";
    case SnpProduct::genoa:
      return "genoa";
    case SnpProduct::turin:
      return "turin";
  }
  CHECK(false);
}

Pki pki_of(SnpProduct product) {
  switch (product) {
    case SnpProduct::milan:
      return Pki::amd_milan;
    case SnpProduct::genoa:
      return Pki::amd_genoa;
    case SnpProduct::turin:
      return Pki::amd_turin;
  }
  CHECK(false);
}

std::optional<SnpProduct> snp_product_named(std::string_view name) {
  for (const auto& [prefix, product] :
       {std::pair{"Milan", SnpProduct::milan}, std::pair{"Genoa", SnpProduct::genoa},
        std::pair{"Siena", SnpProduct::genoa}, std::pair{"Bergamo", SnpProduct::genoa},
        std::pair{"Turin", SnpProduct::turin}})
    if (name.substr(0, name.find('-')) == prefix) return product;
  return std::nullopt;
}

bool SnpTcb::at_least(const SnpTcb& other) const {
  return fmc.value_or(0) >= other.fmc.value_or(0) && bootloader >= other.bootloader &&
         tee >= other.tee && snp >= other.snp && microcode >= other.microcode;
}

SnpTcb snp_tcb(ByteView bytes, bool turin) {
  if (turin)
    return {.fmc = bytes[0],
            .bootloader = bytes[1],
            .tee = bytes[2],
            .snp = bytes[3],
            .microcode = bytes[7]};
  return {.fmc = std::nullopt,
          .bootloader = bytes[0],
          .tee = bytes[1],
          .snp = bytes[6],
          .microcode = bytes[7]};
}

Json to_json(const SnpTcb& tcb) {
  Json out = {{"bootloader", tcb.bootloader},
              {"tee", tcb.tee},
              {"snp", tcb.snp},
              {"microcode", tcb.microcode}};
  if (tcb.fmc) out["fmc"] = *tcb.fmc;
  return out;
}

std::string_view to_text(SnpKey key) {
  switch (key) {
    case SnpKey::vcek:
      return "VCEK";
    case SnpKey::vlek:
      return "VLEK";
    case SnpKey::none:
      return "none";
    case SnpKey::unknown:
      return "unknown";
  }
  CHECK(false);
}

ByteBuffer SnpReport::signature() const {
  ByteBuffer out(2 * kCoordinate);
  for (std::size_t i = 0; i < kCoordinate; ++i) {
    out[i] = bytes[kSignatureAt + kCoordinate - 1 - i];
    out[kCoordinate + i] = bytes[kSignatureAt + kHalfBytes + kCoordinate - 1 - i];
  }
  return out;
}

Result<SnpReport> parse_snp_report(ByteView bytes) {
  if (bytes.size() < kReportBytes || bytes.size() > 4 * kReportBytes ||
      !all_zero(bytes.subspan(kReportBytes)))
    return bad_report(fmt::format("{} bytes, expected {}", bytes.size(), kReportBytes));
  SnpReport out;
  out.bytes = to_buffer(bytes.first(kReportBytes));
  const ByteView view(out.bytes);
  const auto u32 = [&](std::size_t at) { return static_cast<std::uint32_t>(read_le(view, at, 4)); };
  out.version = u32(0);
  if (out.version < 2 || out.version > 5)
    return bad_report(fmt::format("version {}, 2 to 5 are known", out.version));
  out.guest_svn = u32(4);
  out.policy = read_le(view, 8, 8);
  out.vmpl = u32(48);
  out.algorithm = u32(52);
  if (out.algorithm != kEcdsaP384Sha384)
    return bad_report(
        fmt::format("signature algorithm {}, expected 1 (ECDSA P-384 SHA-384)", out.algorithm));
  out.platform_info = read_le(view, 64, 8);
  out.flags = u32(72);
  out.author_key = (out.flags & 1) != 0;
  out.masked_chip = (out.flags & 2) != 0;
  constexpr SnpKey kKeys[] = {SnpKey::vcek,    SnpKey::vlek,    SnpKey::unknown, SnpKey::unknown,
                              SnpKey::unknown, SnpKey::unknown, SnpKey::unknown, SnpKey::none};
  out.signing_key = kKeys[out.flags >> 2 & 7];
  if (out.flags >> 5 != 0) return bad_report("unknown flags are set");
  TRY(check_zeros(out));
  if (out.version >= 3) {
    out.product = product_of(view[392], view[393]);
    if (!out.product) return bad_report("the processor is none that is known");
  }
  return out;
}

}  // namespace penstock::attest
