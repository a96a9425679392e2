#include "attest/snp_endorsement.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "attest/rule_book.h"
#include "crypto/der.h"

namespace penstock::attest {
namespace {

constexpr std::string_view kAmdOid = "1.3.6.1.4.1.3704.1";

Result<std::optional<int>> svn_extension(const crypto::PkixCertificate& leaf,
                                         std::string_view number) {
  const auto value = TRY(leaf.extension(fmt::format("{}.{}", kAmdOid, number)));
  if (!value) return std::optional<int>();
  const auto integer = TRY(crypto::der_value(*value, crypto::der::kInteger));
  const std::int64_t svn = TRY(crypto::der_unsigned(integer.content));
  if (svn > 255)
    return fail(ErrorCode::invalid_argument, "an AMD extension holds a version above 255");
  return std::optional<int>(static_cast<int>(svn));
}

Result<int> required_svn(const crypto::PkixCertificate& leaf, std::string_view number) {
  const auto svn = TRY(svn_extension(leaf, number));
  if (!svn)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the extension {}.{} is missing", kAmdOid, number));
  return *svn;
}

// Raw octets, or in other issues a DER OCTET STRING around them.
ByteBuffer hardware_id_of(ByteView value) {
  if (value.size() != 64 && value.size() != 8)
    if (const auto octets = crypto::der_value(value, crypto::der::kOctetString))
      return to_buffer(octets->content);
  return to_buffer(value);
}

Result<std::string> ia5_text(ByteView value) {
  crypto::DerReader reader(value);
  const auto text = TRY(reader.next());
  TRY(reader.expect_end());
  if (text.tag != crypto::der::kIa5 && text.tag != crypto::der::kUtf8 &&
      text.tag != crypto::der::kPrintable)
    return fail(ErrorCode::invalid_argument, "an AMD extension is not a text");
  if (text.content.size() > 256 ||
      std::ranges::any_of(text.content, [](std::uint8_t c) { return c < 0x20 || c > 0x7e; }))
    return fail(ErrorCode::invalid_argument, "an AMD extension is not a short text");
  return std::string(as_text(text.content));
}

bool is_certificate_table(ByteView file) {
  return file.size() > 48 && read_le(file, 16, 4) >= 48 && read_le(file, 16, 4) < file.size() &&
         read_le(file, 16, 4) % 24 == 0 && file[0] != 0x30 && file[0] != '-';
}

// Entries of a GUID, offset and length; a zero entry ends it. What is no certificate (a CRL) is
// left out.
Result<std::vector<crypto::PkixCertificate>> read_table(ByteView file) {
  std::vector<crypto::PkixCertificate> out;
  for (std::size_t at = 0; at + 24 <= file.size() && at < 24 * 16; at += 24) {
    if (all_zero(file.subspan(at, 24))) return out;
    const std::size_t offset = read_le(file, at + 16, 4), size = read_le(file, at + 20, 4);
    if (offset > file.size() || size > file.size() - offset)
      return fail(ErrorCode::invalid_argument, "certificate table: an entry lies outside");
    if (auto certificate = crypto::PkixCertificate::from_der(file.subspan(offset, size)))
      out.push_back(std::move(*certificate));
  }
  return fail(ErrorCode::invalid_argument, "certificate table: it has no end");
}

}  // namespace

Result<SnpEndorsement> read_snp_endorsement(const crypto::PkixCertificate& leaf) {
  SnpEndorsement out;
  if (const auto name = TRY(leaf.extension(fmt::format("{}.2", kAmdOid))))
    out.product = snp_product_named(TRY(ia5_text(*name)));
  out.tcb.bootloader = TRY(required_svn(leaf, "3.1"));
  out.tcb.tee = TRY(required_svn(leaf, "3.2"));
  out.tcb.snp = TRY(required_svn(leaf, "3.3"));
  out.tcb.microcode = TRY(required_svn(leaf, "3.8"));
  out.tcb.fmc = TRY(svn_extension(leaf, "3.9"));
  for (const std::string_view spare : {"3.4", "3.5", "3.6", "3.7"})
    if (TRY(svn_extension(leaf, spare)).value_or(0) != 0)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the extension {}.{} must be zero", kAmdOid, spare));
  if (const auto id = TRY(leaf.extension(fmt::format("{}.4", kAmdOid))))
    out.hardware_id = hardware_id_of(*id);
  if (const auto csp = TRY(leaf.extension(fmt::format("{}.5", kAmdOid))))
    out.csp_id = TRY(ia5_text(*csp));
  return out;
}

Result<std::vector<crypto::PkixCertificate>> read_snp_certificates_of(ByteView file) {
  if (is_certificate_table(file)) return read_table(file);
  return crypto::read_certificates(file);
}

}  // namespace penstock::attest
