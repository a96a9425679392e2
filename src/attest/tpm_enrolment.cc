#include "attest/tpm_enrolment.h"

#include <algorithm>
#include <array>

#include "attest/tpm_quote.h"
#include "crypto/hmac.h"
#include "crypto/pkix.h"
#include "crypto/tpm_credential.h"

namespace penstock::attest {
namespace {

constexpr std::size_t kCredentialBytes = 32;

// TPMT_PUBLIC up to the modulus: RSA, SHA-256, attributes, PolicySecret(endorsement), AES-128-CFB,
// no scheme, 2048 bits, the default exponent, 256 bytes.
constexpr std::array<std::uint8_t, 58> kDefaultEk = {
    0x00, 0x01, 0x00, 0x0b, 0x00, 0x03, 0x00, 0xb2, 0x00, 0x20, 0x83, 0x71, 0x97, 0x67, 0x44,
    0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e,
    0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa, 0x00, 0x06, 0x00,
    0x80, 0x00, 0x43, 0x00, 0x10, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00};

std::unexpected<Error> bad_enrolment(std::string_view problem) {
  return fail(ErrorCode::invalid_argument,
              std::string("extra-params: tpm: ") + std::string(problem));
}

Result<ByteBuffer> member_of(const Json& tpm, const char* name) {
  const std::string text = TRY(json_string(tpm, "extra-params: tpm", name));
  auto bytes = from_base64(text);
  if (!bytes || bytes->size() > 4096) return bad_enrolment("a member is not base64 of some bytes");
  return std::move(*bytes);
}

}  // namespace

bool is_default_ek(ByteView area) {
  return area.size() == kDefaultEk.size() + 256 &&
         std::ranges::equal(area.first(kDefaultEk.size()), kDefaultEk);
}

crypto::Sha256Digest tpm_activation(ByteView secret, std::string_view runtime_data) {
  return crypto::hmac_sha256(secret, crypto::sha256(as_bytes(runtime_data)));
}

Result<TpmChallenge> make_tpm_challenge(const Json& tpm, crypto::RandomSource& random) {
  if (!tpm.is_object()) return bad_enrolment("it is not an object");
  const ByteBuffer certificate = TRY(member_of(tpm, "ek_cert"));
  const ByteBuffer ek_public = TRY(member_of(tpm, "ek_public"));
  const ByteBuffer ak_public = TRY(member_of(tpm, "ak_public"));
  const auto ek_certificate = TRY_IN(crypto::PkixCertificate::from_der(certificate), "ek_cert");
  const TpmPublic ek = TRY_IN(parse_tpm_public(ek_public), "ek_public");
  TpmPublic ak = TRY_IN(parse_tpm_public(ak_public), "ak_public");
  if (!is_default_ek(ek.area))
    return bad_enrolment("ek_public is not the default template of RSA-2048");
  if (!ek_certificate.key() || !(*ek_certificate.key() == ek.key))
    return bad_enrolment("ek_cert is of another key than ek_public");
  auto asked = std::make_shared<TpmCredentialAsked>();
  asked->secret = TRY(SecretBuffer::create(kCredentialBytes));
  TRY(random.fill(asked->secret.span()));
  asked->ek = ek.key.id();
  asked->ak_name = std::move(ak.name);
  asked->ak_public_area = std::move(ak.area);
  const crypto::TpmCredential credential =
      TRY(crypto::make_tpm_credential(ek.key, asked->ak_name, asked->secret.view(), random));
  Json extra = {{"credential_blob", to_base64(credential.blob)},
                {"secret", to_base64(credential.secret)}};
  return TpmChallenge{.extra_params = std::move(extra), .asked = std::move(asked)};
}

}  // namespace penstock::attest
