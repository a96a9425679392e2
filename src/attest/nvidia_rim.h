// NVIDIA's reference integrity manifests: SWID tags (ISO/IEC 19770-2, TCG RIM) of a driver or a
// VBIOS with an enveloped XML signature (XML-DSig 1.1), and the values that a GPU measures. Private
// to attest.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "attest/rule_book.h"
#include "crypto/public_key.h"

namespace penstock::attest {

// One measurement that the manifest has; any of the digests will do.
struct RimValue {
  std::vector<ByteBuffer> digests;
};

struct NvidiaRim {
  std::string name, version, product, edition;    // version: of the driver or VBIOS that it is of
  std::map<unsigned, RimValue> active, inactive;  // by index
  // The signature, as it stands: over SignedInfo, which holds the digest over the rest.
  ByteBuffer signed_info, signature;  // canonical XML; r || s, or an RSA signature
  crypto::SignatureForm form = crypto::SignatureForm::ecdsa_raw;
  crypto::Hash hash = crypto::Hash::sha384;
  ByteBuffer digest_said, digest_seen;
  std::vector<ByteBuffer> certificates;  // DER, candidates alone
};
// invalid_argument: not such a manifest; unsupported: its signature is made in a way that is not
// taken (transforms, canonical forms, algorithms, references to parts).
Result<NvidiaRim> parse_nvidia_rim(ByteView bytes);

// Rules of the signature and of its chain, named with `prefix`; whether all of them hold.
bool check_nvidia_rim(RuleBook& book, const NvidiaRim& rim, std::string_view prefix);

}  // namespace penstock::attest
