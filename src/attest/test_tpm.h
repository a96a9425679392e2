// A TPM whose attestation key a CA of the test certifies: quote, registers, log. Tests only.
#pragma once

#include <map>
#include <string>

#include "attest/evidence.h"
#include "attest/tpm_enrolment.h"
#include "crypto/test_tpm.h"

namespace penstock::attest {

struct TpmMachine {
  crypto::TestKey root = crypto::test_ec_key("P-256"), ak = crypto::test_ec_key("P-256");
  std::uint32_t magic = 0xff544347, attributes = 0x00050072;
  ByteBuffer nonce = ByteBuffer(32, 0x5e);
  std::map<std::uint32_t, ByteBuffer> registers = {{0, ByteBuffer(32, 0xa0)},
                                                   {4, ByteBuffer(32, 0xa4)}};
  std::map<std::uint32_t, ByteBuffer> told = registers;  // those that are sent beside the quote
  bool certified = true;
  std::vector<long> crl = {};

  static void put(ByteBuffer& out, std::uint64_t value, std::size_t size) {
    for (std::size_t i = size; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  }
  static void sized(ByteBuffer& out, ByteView value) {
    put(out, value.size(), 2);
    out.insert(out.end(), value.begin(), value.end());
  }

  // TPMT_PUBLIC of a P-256 key that signs with ECDSA and SHA-256.
  ByteBuffer public_area() const {
    const ByteBuffer point = crypto::test_point(ak, 32);
    ByteBuffer out;
    put(out, 0x0023, 2);
    put(out, 0x000b, 2);
    put(out, attributes, 4);
    sized(out, {});       // policy
    put(out, 0x0010, 2);  // no symmetric
    put(out, 0x0018, 2);
    put(out, 0x000b, 2);
    put(out, 0x0003, 2);  // NIST P-256
    put(out, 0x0010, 2);  // no KDF
    sized(out, ByteView(point).first(32));
    sized(out, ByteView(point).last(32));
    return out;
  }

  ByteBuffer name() const {
    const crypto::Sha256Digest digest = crypto::sha256(public_area());
    ByteBuffer out;
    put(out, 0x000b, 2);
    out.insert(out.end(), digest.begin(), digest.end());
    return out;
  }

  ByteBuffer quote() const {
    ByteBuffer values, bitmap(3), qualified;
    for (const auto& [index, value] : registers) {
      values.insert(values.end(), value.begin(), value.end());
      bitmap[index / 8] = static_cast<std::uint8_t>(bitmap[index / 8] | 1U << index % 8);
    }
    put(qualified, 0x40000001, 4);  // a primary key of the owner's hierarchy
    const ByteBuffer own = name();
    qualified.insert(qualified.end(), own.begin(), own.end());
    const crypto::Sha256Digest qualified_digest = crypto::sha256(qualified);
    ByteBuffer signer;
    put(signer, 0x000b, 2);
    signer.insert(signer.end(), qualified_digest.begin(), qualified_digest.end());
    ByteBuffer out;
    put(out, magic, 4);
    put(out, 0x8018, 2);
    sized(out, signer);
    sized(out, nonce);
    put(out, 1, 8);  // clock
    put(out, 0, 4);
    put(out, 0, 4);
    put(out, 1, 1);
    put(out, 1, 8);
    put(out, 1, 4);
    put(out, 0x000b, 2);
    put(out, bitmap.size(), 1);
    out.insert(out.end(), bitmap.begin(), bitmap.end());
    sized(out, crypto::sha256(values));
    return out;
  }

  ByteBuffer signature() const {
    const ByteBuffer raw = crypto::test_sign_raw(ak, EVP_sha256(), quote(), 32);
    ByteBuffer out;
    put(out, 0x0018, 2);
    put(out, 0x000b, 2);
    sized(out, ByteView(raw).first(32));
    sized(out, ByteView(raw).last(32));
    return out;
  }

  crypto::PkixCertificate root_certificate() const {
    return crypto::test_issue(crypto::test_ca("TPM root", "TPM root"), root, root);
  }
  crypto::PkixCertificate ak_certificate() const {
    crypto::TestCertificate spec;
    spec.name = "AK";
    spec.issuer = "TPM root";
    spec.serial = 51;
    return crypto::test_issue(spec, ak, root);
  }

  EvidenceFiles files() const {
    EvidenceFiles out;
    Json bank = Json::object();
    for (const auto& [index, value] : told) bank[std::to_string(index)] = to_hex(value);
    const std::string pcrs = Json{{"sha256", bank}}.dump();
    out.files["quote"] = {quote()};
    out.files["signature"] = {signature()};
    out.files["pcrs"] = {to_buffer(as_bytes(pcrs))};
    out.files["ak_public_area"] = {public_area()};
    out.files["crl"] = {crypto::test_crl({.issuer = "TPM root", .serials = crl}, root)};
    if (certified) out.files["ak_cert"] = {ak_certificate().der()};
    return out;
  }
};

// A TPM whose attestation key nobody certifies: its maker certifies the endorsement key.
struct EnrolledMachine : TpmMachine {
  crypto::TestKey ek = crypto::test_rsa_key();
  bool ek_usage = true;
  long ek_serial = 52;

  EnrolledMachine() { certified = false; }

  // TPMT_PUBLIC of the default template.
  ByteBuffer ek_public() const {
    ByteBuffer out;
    put(out, 0x0001, 2);
    put(out, 0x000b, 2);
    put(out, 0x000300b2, 4);
    const auto policy =
        from_hex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa");
    CHECK(policy.has_value());
    sized(out, *policy);
    put(out, 0x0006, 2);
    put(out, 128, 2);
    put(out, 0x0043, 2);
    put(out, 0x0010, 2);
    put(out, 2048, 2);
    put(out, 0, 4);
    BIGNUM* modulus = nullptr;
    CHECK(EVP_PKEY_get_bn_param(ek.get(), "n", &modulus) == 1);
    const crypto::BignumPtr owned(modulus);
    ByteBuffer bytes(256);
    CHECK(BN_bn2binpad(modulus, bytes.data(), 256) == 256);
    sized(out, bytes);
    return out;
  }
  crypto::PkixCertificate ek_certificate() const {
    crypto::TestCertificate spec;
    spec.name = "EK";
    spec.issuer = "TPM root";
    spec.serial = ek_serial;
    spec.key_usage = "critical,keyEncipherment";
    if (ek_usage)
      spec.extensions.push_back(
          {.oid = "2.5.29.37", .value = {0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x01}});
    return crypto::test_issue(spec, ek, root);
  }
  Json extra_params() const {
    return {{"ek_cert", to_base64(ek_certificate().der())},
            {"ek_public", to_base64(ek_public())},
            {"ak_public", to_base64(public_area())}};
  }
  // The answer to a challenge; empty: the TPM refuses.
  ByteBuffer activate(const Json& challenge, std::string_view runtime_data) const {
    const auto blob = from_base64(challenge.at("credential_blob").get<std::string>());
    const auto secret = from_base64(challenge.at("secret").get<std::string>());
    CHECK(blob.has_value() && secret.has_value());
    const auto opened = crypto::test_activate(ek, name(), *blob, *secret);
    if (!opened) return {};
    const auto mac = tpm_activation(*opened, runtime_data);
    return ByteBuffer(mac.begin(), mac.end());
  }
};

// One event of a crypto-agile log with SHA-256 digests; the header comes first.
inline void test_log_header(ByteBuffer& out) {
  const auto le = [&](std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  };
  le(0, 4);
  le(3, 4);
  out.insert(out.end(), 20, 0);
  const std::string id("Spec ID Event03\0", 16);
  le(16 + 4 + 4 + 4 + 4 + 1, 4);
  out.insert(out.end(), id.begin(), id.end());
  le(0, 4);
  le(0x00020002, 4);
  le(1, 4);
  le(0x000b, 2);
  le(32, 2);
  le(0, 1);
}
inline void test_log_event(ByteBuffer& out, std::uint32_t index, std::uint32_t type,
                           std::string_view data) {
  const auto le = [&](std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  };
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(data));
  le(index, 4);
  le(type, 4);
  le(1, 4);
  le(0x000b, 2);
  out.insert(out.end(), digest.begin(), digest.end());
  le(data.size(), 4);
  out.insert(out.end(), data.begin(), data.end());
}

}  // namespace penstock::attest
