// Certificate requests (PKCS #10, RFC 2986) over P-256 keys: who has a key asks that it be
// certified for names. Any thread.
#pragma once

#include <string>
#include <vector>

#include "crypto/ec.h"

namespace penstock::crypto {

struct CertificateRequest {
  P256PublicKey key;
  std::vector<std::string> names;  // of subjectAltName, as canonical_certificate_name() writes them
};

// DER, signed by the key. invalid_argument: a name that is neither a DNS name nor an IP address.
Result<ByteBuffer> make_certificate_request(const P256PrivateKey& key,
                                            const std::vector<std::string>& names);

// At most kCertificateRequestBytesMax, strict DER. Of what it asks for, the names alone are read;
// its subject says nothing. invalid_argument: malformed, or not of a P-256 key; not_authentic: not
// signed by its own key, so who sent it need not have that.
Result<CertificateRequest> read_certificate_request(ByteView der);

}  // namespace penstock::crypto
