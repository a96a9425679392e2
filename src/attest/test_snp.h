// A Milan machine of a PKI that the test makes: report, certificates and CRL. Tests only.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "crypto/test_pki.h"

namespace penstock::attest {

using namespace penstock::crypto;

// Made once: RSA keys take their time.
struct AmdKeys {
  TestKey ark = test_rsa_key(), ask = test_rsa_key(), vcek = test_ec_key("P-384");
};
inline const AmdKeys& amd_keys() {
  static const AmdKeys kKeys;
  return kKeys;
}

// Everything that goes into a report and its certificates, to be changed by a test.
struct SnpMachine {
  TestKey vcek = amd_keys().vcek, ask = amd_keys().ask, ark = amd_keys().ark;
  std::uint64_t policy = 0x30000;  // ABI 0.0, SMT, the bit that is always set
  std::uint8_t reported_snp = 8, committed_snp = 8, current_snp = 8, certified_snp = 8;
  std::uint8_t chip = 0xc1, certified_chip = 0xc1;
  std::uint32_t flags = 0;
  std::string ask_name = "SEV-Milan", leaf_name = "SEV-VCEK";
  std::vector<long> crl = {};
  std::int64_t crl_to_s = 1'800'000'000, leaf_to_s = 2'000'000'000;
  bool ask_is_ca = true, pss = true;

  static ByteBuffer integer(std::uint8_t value) { return {0x02, 0x01, value}; }

  PkixCertificate ark_certificate() const {
    TestCertificate spec = test_ca("ARK-Milan", "ARK-Milan");
    spec.pss = true;
    spec.md = EVP_sha384();
    return test_issue(spec, ark, ark);
  }
  PkixCertificate ask_certificate() const {
    TestCertificate spec = test_ca(ask_name, "ARK-Milan", 0);
    spec.serial = 21;
    spec.ca = ask_is_ca;
    spec.pss = true;
    spec.md = EVP_sha384();
    return test_issue(spec, ask, ark);
  }
  PkixCertificate leaf_certificate() const {
    TestCertificate spec;
    spec.name = leaf_name;
    spec.issuer = ask_name;
    spec.serial = 31;
    spec.to_s = leaf_to_s;
    spec.pss = pss;
    spec.md = EVP_sha384();
    const std::string oid = "1.3.6.1.4.1.3704.1.";
    const std::string product = "Milan-B0";
    ByteBuffer name{0x16, static_cast<std::uint8_t>(product.size())};
    name.insert(name.end(), product.begin(), product.end());
    spec.extensions = {{oid + "1", integer(0), false},
                       {oid + "2", name, false},
                       {oid + "3.1", integer(3), false},
                       {oid + "3.2", integer(0), false},
                       {oid + "3.3", integer(certified_snp), false},
                       {oid + "3.8", integer(115), false},
                       {oid + "4", ByteBuffer(64, certified_chip), false}};
    return test_issue(spec, vcek, ask);
  }

  ByteBuffer report() const {
    ByteBuffer out(1184);
    const auto put = [&](std::size_t at, std::uint64_t value, std::size_t size) {
      for (std::size_t i = 0; i < size; ++i)
        out[at + i] = static_cast<std::uint8_t>(value >> 8 * i);
    };
    const auto tcb = [&](std::size_t at, std::uint8_t snp) {
      out[at] = 3;
      out[at + 6] = snp;
      out[at + 7] = 115;
    };
    put(0, 3, 4);
    put(8, policy, 8);
    put(52, 1, 4);
    put(72, flags, 4);
    tcb(56, current_snp);
    std::ranges::fill(out.begin() + 144, out.begin() + 192, 0x6d);
    tcb(384, reported_snp);
    out[392] = 0x19;
    out[393] = 0x01;
    out[394] = 0x01;
    std::ranges::fill(out.begin() + 416, out.begin() + 480, chip);
    tcb(480, committed_snp);
    tcb(496, committed_snp);
    const ByteBuffer signature = test_sign_raw(vcek, EVP_sha384(), ByteView(out).first(672), 48);
    for (std::size_t i = 0; i < 48; ++i) {
      out[672 + i] = signature[47 - i];
      out[744 + i] = signature[95 - i];
    }
    return out;
  }

  ByteBuffer crl_file() const {
    return test_crl({.issuer = "ARK-Milan",
                     .serials = crl,
                     .from_s = 1'700'000'000,
                     .to_s = crl_to_s,
                     .md = EVP_sha384(),
                     .pss = true},
                    ark);
  }

  EvidenceFiles files() const {
    EvidenceFiles out;
    out.files["evidence"] = {report()};
    out.files["vcek"] = {leaf_certificate().der()};
    out.files["ask"] = {ask_certificate().der()};
    out.files["ark"] = {ark_certificate().der()};
    out.files["crl"] = {crl_file()};
    return out;
  }
};

}  // namespace penstock::attest
