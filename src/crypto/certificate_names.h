// Names in certificates and requests (subjectAltName): between texts and libcrypto's lists. For
// this module only, but canonical_certificate_name(), which is in x509.h. Any thread.
#pragma once

#include <string>
#include <vector>

#include <openssl/x509v3.h>

#include "base/error.h"
#include "crypto/openssl.h"

namespace penstock::crypto {

using GeneralNamesPtr = OpensslPtr<GENERAL_NAMES, GENERAL_NAMES_free>;

// invalid_argument: neither a DNS name without wildcards nor an IP address.
Result<GeneralNamesPtr> general_names(const std::vector<std::string>& names);
// As canonical_certificate_name() writes them. invalid_argument: a name of another kind, or too
// many; `what` says of what.
Result<std::vector<std::string>> texts_of(const GENERAL_NAMES* names, std::string_view what);

// The extension nameConstraints for a CA: DNS names ("streams.example", and all below it) and
// ranges of addresses ("10.0.0.0/8", "::1"), in the form of openssl's configuration. A kind of
// which none is named is not permitted at all.
Result<std::string> name_constraints_text(const std::vector<std::string>& permitted);

}  // namespace penstock::crypto
