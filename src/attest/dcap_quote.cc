#include "attest/dcap_quote.h"

#include <algorithm>

#include <fmt/format.h>

#include "attest/limits.h"
#include "attest/rule_book.h"

namespace penstock::attest {
namespace {

constexpr std::size_t kHeaderBytes = 48, kSgxBytes = 384;
constexpr std::uint32_t kTeeSgx = 0, kTeeTdx = 0x81;
constexpr std::array<std::uint8_t, 16> kIntelQe = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                                   0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
constexpr unsigned kQeReportCertification = 6;

std::unexpected<Error> bad_quote(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("quote: {}", problem));
}

// Takes parts from the front; nothing is read that is not there.
class Parts {
 public:
  Parts(ByteView bytes, std::size_t at) : bytes_(bytes), at_(at) {}
  Result<ByteView> take(std::size_t size) {
    if (size > bytes_.size() - at_) return bad_quote("it is cut short");
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  Result<std::size_t> number(std::size_t size) {
    return static_cast<std::size_t>(read_le(TRY(take(size)), 0, size));
  }
  std::size_t at() const { return at_; }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  ByteView bytes_;
  std::size_t at_;
};

std::optional<std::size_t> body_bytes(unsigned type) {
  switch (type) {
    case 1:
      return kSgxBytes;
    case 2:
      return 584;
    case 3:
      return 648;
    case 4:
      return 885;
    default:
      return std::nullopt;
  }
}

Result<> parse_header(ByteView bytes, DcapQuote& out) {
  if (bytes.size() < kHeaderBytes) return bad_quote("it is cut short");
  out.version = static_cast<unsigned>(read_le(bytes, 0, 2));
  out.key_type = static_cast<unsigned>(read_le(bytes, 2, 2));
  const auto tee = static_cast<std::uint32_t>(read_le(bytes, 4, 4));
  if (out.version < 3 || out.version > 5)
    return bad_quote(fmt::format("version {}, 3 to 5 are known", out.version));
  if (out.key_type != 2)
    return bad_quote(
        fmt::format("attestation key type {}, expected 2 (ECDSA P-256)", out.key_type));
  if (out.version > 3 && tee != kTeeSgx && tee != kTeeTdx)
    return bad_quote(fmt::format("TEE type {:#x}, expected SGX or TDX", tee));
  out.tdx = out.version > 3 && tee == kTeeTdx;
  if (!std::ranges::equal(bytes.subspan(12, 16), kIntelQe))
    return bad_quote("the quoting enclave is not of Intel's vendor id");
  return {};
}

Result<> place_body(ByteView bytes, DcapQuote& out) {
  out.body_type = out.tdx ? 2 : 1;
  out.body_at = kHeaderBytes;
  if (out.version == 5) {
    Parts parts(bytes, kHeaderBytes);
    out.body_type = static_cast<unsigned>(TRY(parts.number(2)));
    const std::size_t size = TRY(parts.number(4));
    if (body_bytes(out.body_type) != size)
      return bad_quote(fmt::format("a body of type {} and {} bytes", out.body_type, size));
    if ((out.body_type == 1) == out.tdx) return bad_quote("the body is of another TEE");
    out.body_at = parts.at();
  }
  out.body_size = *body_bytes(out.body_type);
  out.signed_size = out.body_at + out.body_size;
  if (bytes.size() < out.signed_size) return bad_quote("it is cut short");
  return {};
}

// QE report, its signature, auth data, certification data; they must fill the rest.
Result<> parse_qe(Parts& parts, DcapQuote& out) {
  out.qe_report_at = parts.at();
  TRY(parts.take(kSgxBytes));
  out.qe_signature = to_buffer(TRY(parts.take(64)));
  const std::size_t auth = TRY(parts.number(2));
  out.qe_auth = to_buffer(TRY(parts.take(auth)));
  out.certification_type = static_cast<unsigned>(TRY(parts.number(2)));
  const std::size_t size = TRY(parts.number(4));
  out.certification = to_buffer(TRY(parts.take(size)));
  if (!parts.at_end()) return bad_quote("the lengths do not add up");
  return {};
}

}  // namespace

std::uint64_t SgxBody::flags() const {
  return read_le(bytes, 48, 8);
}
unsigned SgxBody::isvprodid() const {
  return static_cast<unsigned>(read_le(bytes, 256, 2));
}
unsigned SgxBody::isvsvn() const {
  return static_cast<unsigned>(read_le(bytes, 258, 2));
}

Result<DcapQuote> parse_dcap_quote(ByteView bytes) {
  if (bytes.size() > 4 * kQuoteBytesMax) return bad_quote("it is too long");
  DcapQuote out;
  TRY(parse_header(bytes, out));
  TRY(place_body(bytes, out));
  Parts head(bytes, out.signed_size);
  const std::size_t size = TRY(head.number(4));
  TRY(head.take(size));
  if (head.at() > kQuoteBytesMax) return bad_quote("it is too long");
  if (!all_zero(bytes.subspan(head.at()))) return bad_quote("bytes behind it that are not zero");
  out.bytes = to_buffer(bytes.first(head.at()));
  Parts parts(out.bytes, out.signed_size + 4);
  out.signature = to_buffer(TRY(parts.take(64)));
  out.attestation_key = to_buffer(TRY(parts.take(64)));
  if (out.version > 3) {
    const std::size_t type = TRY(parts.number(2)), inner = TRY(parts.number(4));
    if (type != kQeReportCertification)
      return bad_quote(fmt::format("certification data of type {}, expected 6", type));
    if (inner != out.bytes.size() - parts.at()) return bad_quote("the lengths do not add up");
  }
  TRY(parse_qe(parts, out));
  return out;
}

Result<ByteView> quote_of_oe_report(ByteView report) {
  if (report.size() < 16) return bad_quote("the Open Enclave report is cut short");
  const std::uint64_t version = read_le(report, 0, 4), type = read_le(report, 4, 4),
                      size = read_le(report, 8, 8);
  if (version != 1 || type != 2 || size > report.size() - 16)
    return bad_quote("the header of the Open Enclave report is malformed");
  return report.subspan(16);
}

}  // namespace penstock::attest
