// An SGX machine of a PKI that the test makes: quote, certificates and collateral. Tests only.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "crypto/test_pki.h"

namespace penstock::attest {

using namespace penstock::crypto;

constexpr std::int64_t kTestNow = 1'750'000'000;

inline ByteBuffer test_der(std::uint8_t tag, ByteView content) {
  ByteBuffer out{tag};
  if (content.size() < 128) {
    out.push_back(static_cast<std::uint8_t>(content.size()));
  } else {
    out.push_back(0x82);
    out.push_back(static_cast<std::uint8_t>(content.size() >> 8));
    out.push_back(static_cast<std::uint8_t>(content.size()));
  }
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

inline ByteBuffer test_pck_member(std::initializer_list<std::uint8_t> tail, ByteView value) {
  ByteBuffer oid{0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
  oid.insert(oid.end(), tail);
  ByteBuffer pair = test_der(0x06, oid);
  pair.insert(pair.end(), value.begin(), value.end());
  return test_der(0x30, pair);
}

inline void test_append(ByteBuffer& out, ByteView more) {
  out.insert(out.end(), more.begin(), more.end());
}
inline void test_append_le(ByteBuffer& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

// Components all 5, PCESVN 5, FMSPC 112233445566, PCEID 0000.
inline ByteBuffer test_pck_extension() {
  const ByteBuffer five{0x02, 0x01, 0x05};
  ByteBuffer tcb;
  for (std::uint8_t i = 1; i <= 17; ++i) test_append(tcb, test_pck_member({2, i}, five));
  test_append(tcb, test_pck_member({2, 18}, test_der(0x04, ByteBuffer(16, 5))));
  ByteBuffer all = test_pck_member({1}, test_der(0x04, ByteBuffer(16, 9)));
  test_append(all, test_pck_member({2}, test_der(0x30, tcb)));
  test_append(all, test_pck_member({3}, test_der(0x04, ByteBuffer(2, 0))));
  test_append(all,
              test_pck_member({4}, test_der(0x04, ByteBuffer{0x11, 0x22, 0x33, 0x44, 0x55, 0x66})));
  return test_der(0x30, all);
}

inline Json test_components(int svn) {
  Json out = Json::array();
  for (int i = 0; i < 16; ++i) out.push_back({{"svn", svn}});
  return out;
}

// Everything that goes into a quote and its collateral, to be changed by a test.
struct DcapMachine {
  TestKey root = test_ec_key("P-256"), ca = test_ec_key("P-256"), pck = test_ec_key("P-256"),
          tcb_signer = test_ec_key("P-256"), attestation = test_ec_key("P-256");
  std::vector<long> root_crl = {}, pck_crl = {};
  std::int64_t crl_to_s = 1'800'000'000;
  Json level = {{"tcb", {{"sgxtcbcomponents", test_components(5)}, {"pcesvn", 5}}},
                {"tcbDate", "2025-01-01T00:00:00Z"},
                {"tcbStatus", "UpToDate"}};
  Json levels = Json::array();
  std::string qe_status = "UpToDate", fmspc = "112233445566", next_update = "2026-01-01T00:00:00Z";
  int evaluation_number = 17, qe_isvsvn = 8;
  bool qe_debug = false, debug = false, foreign_qe = false, break_binding = false;

  static std::string pem(const PkixCertificate& certificate) {
    const std::string body = to_base64(certificate.der());
    std::string out = "-----BEGIN CERTIFICATE-----\n";
    for (std::size_t at = 0; at < body.size(); at += 64) out += body.substr(at, 64) + "\n";
    return out + "-----END CERTIFICATE-----\n";
  }
  PkixCertificate root_certificate() const {
    return test_issue(test_ca("Intel SGX Root CA", "Intel SGX Root CA"), root, root);
  }
  PkixCertificate ca_certificate() const {
    TestCertificate spec = test_ca("Intel SGX PCK Platform CA", "Intel SGX Root CA", 0);
    spec.serial = 21;
    return test_issue(spec, ca, root);
  }
  PkixCertificate pck_certificate() const {
    TestCertificate spec;
    spec.name = "Intel SGX PCK Certificate";
    spec.issuer = "Intel SGX PCK Platform CA";
    spec.serial = 31;
    spec.extensions = {{"1.2.840.113741.1.13.1", test_pck_extension(), false}};
    return test_issue(spec, pck, ca);
  }

  ByteBuffer sgx_body(ByteView report_data, std::uint64_t flags, std::uint8_t signer,
                      int isvsvn) const {
    ByteBuffer out(384);
    for (std::size_t i = 0; i < 8; ++i) out[48 + i] = static_cast<std::uint8_t>(flags >> 8 * i);
    std::ranges::fill(out.begin() + 128, out.begin() + 160, signer);
    out[256] = 1;
    out[258] = static_cast<std::uint8_t>(isvsvn);
    std::ranges::copy(report_data, out.begin() + 320);
    return out;
  }

  ByteBuffer quote() const {
    ByteBuffer out;
    test_append_le(out, 3, 2);
    test_append_le(out, 2, 2);
    out.resize(12);
    test_append(out, *from_hex("939a7233f79c4ca9940a0db3957f0607"));
    out.resize(48);
    test_append(out, sgx_body(ByteBuffer(64), debug ? 7 : 5, 0x77, 1));
    const ByteBuffer signature = test_sign_raw(attestation, EVP_sha256(), out, 32);
    const ByteBuffer key = test_point(attestation, 32), auth(32, 3);
    ByteBuffer bound = key;
    test_append(bound, auth);
    const Sha256Digest digest = sha256(bound);
    ByteBuffer qe_data(digest.begin(), digest.end());
    qe_data.resize(64);
    if (break_binding) qe_data[63] = 1;
    const ByteBuffer qe =
        sgx_body(qe_data, qe_debug ? 0x13 : 0x11, foreign_qe ? 0x66 : 0x55, qe_isvsvn);
    ByteBuffer data = signature;
    test_append(data, key);
    test_append(data, qe);
    test_append(data, test_sign_raw(pck, EVP_sha256(), qe, 32));
    test_append_le(data, auth.size(), 2);
    test_append(data, auth);
    const std::string chain =
        pem(pck_certificate()) + pem(ca_certificate()) + pem(root_certificate());
    test_append_le(data, 5, 2);
    test_append_le(data, chain.size(), 4);
    test_append(data, as_bytes(chain));
    test_append_le(out, data.size(), 4);
    test_append(out, data);
    return out;
  }

  ByteBuffer signed_json(const char* name, const Json& body) const {
    const std::string text = body.dump();
    const ByteBuffer signature = test_sign_raw(tcb_signer, EVP_sha256(), as_bytes(text), 32);
    const std::string out =
        "{\"" + std::string(name) + "\":" + text + ",\"signature\":\"" + to_hex(signature) + "\"}";
    return to_buffer(as_bytes(out));
  }
  ByteBuffer tcb_info() const {
    Json list = levels.empty() ? Json::array({level}) : levels;
    return signed_json("tcbInfo", {{"id", "SGX"},
                                   {"version", 3},
                                   {"issueDate", "2025-01-01T00:00:00Z"},
                                   {"nextUpdate", next_update},
                                   {"fmspc", fmspc},
                                   {"pceId", "0000"},
                                   {"tcbType", 0},
                                   {"tcbEvaluationDataNumber", evaluation_number},
                                   {"tcbLevels", list}});
  }
  ByteBuffer qe_identity() const {
    return signed_json("enclaveIdentity",
                       {{"id", "QE"},
                        {"version", 2},
                        {"issueDate", "2025-01-01T00:00:00Z"},
                        {"nextUpdate", "2026-01-01T00:00:00Z"},
                        {"tcbEvaluationDataNumber", evaluation_number},
                        {"miscselect", "00000000"},
                        {"miscselectMask", "FFFFFFFF"},
                        {"attributes", "11000000000000000000000000000000"},
                        {"attributesMask", "FBFFFFFFFFFFFFFF0000000000000000"},
                        {"mrsigner", std::string(64, '5')},
                        {"isvprodid", 1},
                        {"tcbLevels", Json::array({{{"tcb", {{"isvsvn", 8}}},
                                                    {"tcbDate", "2025-01-01T00:00:00Z"},
                                                    {"tcbStatus", qe_status}}})}});
  }

  EvidenceFiles files() const {
    TestCertificate signer;
    signer.name = "Intel SGX TCB Signing";
    signer.issuer = "Intel SGX Root CA";
    signer.serial = 41;
    const std::string chain = pem(test_issue(signer, tcb_signer, root)) + pem(root_certificate());
    EvidenceFiles out;
    out.files["evidence"] = {quote()};
    out.files["tcb_info"] = {tcb_info()};
    out.files["qe_identity"] = {qe_identity()};
    out.files["tcb_signing_chain"] = {to_buffer(as_bytes(chain))};
    out.files["root_ca_crl"] = {test_crl({.issuer = "Intel SGX Root CA",
                                          .serials = root_crl,
                                          .from_s = 1'700'000'000,
                                          .to_s = crl_to_s},
                                         root)};
    out.files["pck_crl"] = {test_crl({.issuer = "Intel SGX PCK Platform CA",
                                      .serials = pck_crl,
                                      .from_s = 1'700'000'000,
                                      .to_s = crl_to_s},
                                     ca)};
    return out;
  }
};

}  // namespace penstock::attest
