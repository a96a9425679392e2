// The attestation document of AWS Nitro (enclaves and NitroTPM): COSE_Sign1 over a CBOR map.
// Parsing alone; what it is worth, nitro.cc says.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace penstock::attest {

struct NitroDocument {
  ByteBuffer signed_bytes;  // the Sig_structure, from the bytes as they came
  ByteBuffer signature;
  std::int64_t algorithm = 0;  // COSE's
  bool tpm = false;            // of NitroTPM: its registers are nitrotpm_pcrs
  bool indefinite = false;     // the payload map
  std::string module_id, digest;
  std::int64_t timestamp_ms = 0;
  std::map<int, ByteBuffer> pcrs;
  ByteBuffer certificate;
  std::vector<ByteBuffer> bundle;  // root first
  std::optional<ByteBuffer> public_key, user_data, nonce;
};

// invalid_argument: malformed, a length or a key that the form does not allow, or bytes behind it.
Result<NitroDocument> parse_nitro_document(ByteView cose);

}  // namespace penstock::attest
