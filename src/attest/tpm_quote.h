// TPM 2.0 quotes: the attested structure, its signature and the public area of the key that signs.
// Parsing alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "crypto/public_key.h"

namespace penstock::attest {

struct PcrSelection {
  crypto::Hash bank = crypto::Hash::sha256;
  std::vector<std::uint32_t> indices;  // rising
};

// TPMS_ATTEST of a quote. What the magic and type are, the rules judge.
struct TpmQuote {
  ByteBuffer bytes;
  std::uint32_t magic = 0, reset_count = 0, restart_count = 0;
  std::uint16_t type = 0;
  ByteBuffer qualified_signer, extra_data, pcr_digest;
  std::uint64_t clock = 0, firmware_version = 0;
  std::uint8_t safe = 0;
  std::vector<PcrSelection> selection;
};
// invalid_argument: cut short, bytes behind it, or selections that are malformed.
Result<TpmQuote> parse_tpm_quote(ByteView bytes);

struct TpmSignature {
  crypto::SignatureForm form = crypto::SignatureForm::rsa_pkcs1;
  crypto::Hash hash = crypto::Hash::sha256;
  ByteBuffer bytes;  // r || s for ECDSA, padded to the curve
};
// `format`: "tpmt" or empty for TPMT_SIGNATURE, "ecdsa-der-sha256", "rsassa-sha256".
Result<TpmSignature> parse_tpm_signature(ByteView bytes, std::string_view format,
                                         const crypto::PublicKey& key);
std::string_view tpm_name(crypto::SignatureForm form);  // "RSASSA", "RSAPSS", "ECDSA"

// TPMT_PUBLIC, with or without the size in front.
struct TpmPublic {
  ByteBuffer area;
  std::uint32_t attributes = 0;
  crypto::PublicKey key;
  ByteBuffer name;  // algorithm || digest of the area
};
Result<TpmPublic> parse_tpm_public(ByteView bytes);

// {"sha256": {"0": hex, ...}} or lists by index.
using PcrBanks = std::map<crypto::Hash, std::map<std::uint32_t, ByteBuffer>>;
Result<PcrBanks> parse_pcrs(ByteView json);

}  // namespace penstock::attest
