// Roots of TPMs that an owner has named: of a maker of TPMs, of a provider, or of the operator's
// own software TPM. Vendors' roots are compiled in; none of them can be added or changed here.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "manager/snapshot.h"

namespace penstock::manager {

// {"name", "trust": "provider" | "operator", "certificate": PEM of a CA}; `pki` may be given and
// must be "tpm". invalid_argument, unsupported: names the member.
Result<TrustAnchor> parse_trust_anchor(std::string_view body, std::int64_t now_ms);

// What judgements take of it. invalid_argument: no certificate of a CA.
Result<attest::NamedAnchor> named_anchor(const TrustAnchor& anchor);

Json to_json(const TrustAnchor& anchor, bool with_certificate);

}  // namespace penstock::manager
