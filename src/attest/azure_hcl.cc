#include "attest/azure_hcl.h"

#include <fmt/format.h>

#include "attest/rule_book.h"

namespace penstock::attest {
namespace {

constexpr std::size_t kHclHeader = 32, kHardware = 1184, kHclFixed = kHclHeader + kHardware + 20;
constexpr std::size_t kHclBytesMax = 64 << 10;

std::unexpected<Error> bad_hcl(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("HCL report: {}", problem));
}

}  // namespace

Result<HclReport> parse_hcl_report(ByteView bytes) {
  if (bytes.size() < kHclFixed || bytes.size() > kHclBytesMax) return bad_hcl("a wrong length");
  if (!as_text(bytes).starts_with("HCLA")) return bad_hcl("it does not begin with HCLA");
  HclReport out;
  out.hardware_report = to_buffer(bytes.subspan(kHclHeader, kHardware));
  const auto u32 = [&](std::size_t at) {
    return static_cast<std::uint32_t>(read_le(bytes, kHclHeader + kHardware + at, 4));
  };
  out.data_size = u32(0);
  out.version = u32(4);
  out.report_type = u32(8);
  out.hash_type = u32(12);
  const std::size_t size = u32(16);
  if (out.version != 1 && out.version != 2)  // nothing signs it: what is not known is not believed
    return bad_hcl("a version other than 1 and 2");
  if (out.report_type != kHclSnp && out.report_type != kHclTdx)
    return bad_hcl("a hardware report that is neither SNP's nor TDX's");
  if (out.hash_type != 1) return bad_hcl("a hash other than SHA-256");
  if (size > bytes.size() - kHclFixed || out.data_size != size + 20)
    return bad_hcl("the runtime data does not fit in it");
  out.runtime_data = to_buffer(bytes.subspan(kHclFixed, size));
  return out;
}

Result<crypto::PublicKey> HclReport::attestation_key() const {
  constexpr std::string_view kWhat = "runtime data";
  const Json document = TRY(parse_json(as_text(runtime_data), kWhat));
  const auto keys = document.is_object() ? document.find("keys") : document.end();
  if (!document.is_object() || keys == document.end() || !keys->is_array() || keys->size() > 16)
    return bad_hcl("the runtime data has no list 'keys'");
  const Json* found = nullptr;
  for (const Json& each : *keys) {
    if (!each.is_object() || each.value("kid", Json()) != "HCLAkPub") continue;
    if (found != nullptr) return bad_hcl("the key HCLAkPub is there twice");
    found = &each;
  }
  if (found == nullptr) return bad_hcl("the runtime data has no key HCLAkPub");
  if (TRY(json_string(*found, kWhat, "kty")) != "RSA") return bad_hcl("HCLAkPub is not RSA");
  const ByteBuffer n = TRY_IN(from_base64url(TRY(json_string(*found, kWhat, "n"))), kWhat);
  const ByteBuffer e = TRY_IN(from_base64url(TRY(json_string(*found, kWhat, "e"))), kWhat);
  return crypto::PublicKey::from_rsa(n, e);
}

}  // namespace penstock::attest
