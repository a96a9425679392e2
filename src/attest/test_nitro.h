// A Nitro enclave of a PKI that the test makes. Tests only.
#pragma once

#include <map>
#include <string>

#include "attest/evidence.h"
#include "crypto/cbor.h"
#include "crypto/test_pki.h"

namespace penstock::attest {

struct NitroMachine {
  crypto::TestKey root = crypto::test_ec_key("P-384"), region = crypto::test_ec_key("P-384"),
                  leaf = crypto::test_ec_key("P-384");
  std::int64_t at_s = 1'750'000'000;
  std::int64_t leaf_from_s = at_s - 60, leaf_to_s = at_s + 3 * 3600;
  std::int64_t timestamp_ms = at_s * 1000;
  std::map<int, ByteBuffer> pcrs = {{0, ByteBuffer(48, 0x10)},
                                    {1, ByteBuffer(48, 0x11)},
                                    {2, ByteBuffer(48, 0x12)},
                                    {3, ByteBuffer(48)},
                                    {4, ByteBuffer(48, 0x14)}};
  bool region_is_ca = true, der_signature = false, break_signature = false, foreign_leaf = false;
  int region_path_length = 0;
  std::int64_t algorithm = -35;
  ByteBuffer user_data = ByteBuffer(48, 0x77);

  static crypto::TestCertificate nitro_ca(std::string name, std::string issuer, int path_length) {
    crypto::TestCertificate out = crypto::test_ca(std::move(name), std::move(issuer), path_length);
    out.md = EVP_sha384();
    return out;
  }
  crypto::PkixCertificate root_certificate() const {
    return crypto::test_issue(nitro_ca("aws.nitro-enclaves", "aws.nitro-enclaves", -1), root, root);
  }
  crypto::PkixCertificate region_certificate() const {
    crypto::TestCertificate spec =
        nitro_ca("region.aws.nitro-enclaves", "aws.nitro-enclaves", region_path_length);
    spec.ca = region_is_ca;
    return crypto::test_issue(spec, region, root);
  }
  crypto::PkixCertificate leaf_certificate() const {
    crypto::TestCertificate spec;
    spec.name = "i-0123456789abcdef0-enc0123456789abcdef";
    spec.issuer = "region.aws.nitro-enclaves";
    spec.from_s = leaf_from_s;
    spec.to_s = leaf_to_s;
    spec.md = EVP_sha384();
    return crypto::test_issue(spec, leaf, foreign_leaf ? root : region);
  }

  ByteBuffer payload() const {
    ByteBuffer out;
    crypto::CborWriter writer(out);
    writer.map(7);
    writer.text("module_id");
    writer.text("i-0123456789abcdef0-enc0123456789abcdef");
    writer.text("digest");
    writer.text("SHA384");
    writer.text("timestamp");
    writer.integer(timestamp_ms);
    writer.text("pcrs");
    writer.map(pcrs.size());
    for (const auto& [index, value] : pcrs) {
      writer.integer(index);
      writer.bytes(value);
    }
    writer.text("certificate");
    writer.bytes(leaf_certificate().der());
    writer.text("cabundle");
    writer.array(2);
    writer.bytes(root_certificate().der());
    writer.bytes(region_certificate().der());
    writer.text("user_data");
    writer.bytes(user_data);
    return out;
  }

  ByteBuffer document() const {
    ByteBuffer header;
    crypto::CborWriter header_writer(header);
    header_writer.map(1);
    header_writer.integer(1);
    header_writer.integer(algorithm);
    const ByteBuffer body = payload();
    ByteBuffer to_sign;
    crypto::CborWriter sign_writer(to_sign);
    sign_writer.array(4);
    sign_writer.text("Signature1");
    sign_writer.bytes(header);
    sign_writer.bytes({});
    sign_writer.bytes(body);
    ByteBuffer signature = der_signature ? crypto::test_sign_der(leaf, EVP_sha384(), to_sign)
                                         : crypto::test_sign_raw(leaf, EVP_sha384(), to_sign, 48);
    if (break_signature) signature[0] ^= 1;
    ByteBuffer out;
    crypto::CborWriter writer(out);
    writer.array(4);
    writer.bytes(header);
    writer.map(0);
    writer.bytes(body);
    writer.bytes(signature);
    return out;
  }

  EvidenceFiles files() const {
    EvidenceFiles out;
    out.files["evidence"] = {document()};
    return out;
  }
};

}  // namespace penstock::attest
