// Pieces of certificates and CRLs out of libcrypto's structures. For this module only.
#pragma once

#include <optional>
#include <string>

#include "crypto/openssl.h"
#include "crypto/pkix.h"

namespace penstock::crypto {

inline void free_pkix_memory(void* memory) {
  OPENSSL_free(memory);
}
template <typename T>
using OpensslMemory = OpensslPtr<T, free_pkix_memory>;

std::string asn1_text(const ASN1_STRING* value);  // control characters replaced; empty: malformed
std::string name_text(const X509_NAME* name);     // RFC 4514, unknown types by object id
std::string oid_text(const ASN1_OBJECT* object);
ByteBuffer name_der(const X509_NAME* name);
Result<std::int64_t> asn1_seconds(const ASN1_TIME* time);
std::optional<SignatureAlgorithm> algorithm_of(const X509_ALGOR* algorithm);
std::optional<SignatureAlgorithm> pss_algorithm(int type, const void* parameters);

}  // namespace penstock::crypto
