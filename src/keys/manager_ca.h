// The CA of a manager: how a client sees that it is a development one, which believes simulated
// TEEs. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "crypto/x509.h"

namespace penstock::keys {

inline constexpr std::string_view kManagerCaName = "Penstock manager CA";
inline constexpr std::string_view kDevelopmentCaName = "Penstock DEVELOPMENT manager CA";
inline constexpr std::string_view kWorkloadCaName = "Penstock workload CA";
inline constexpr std::string_view kDevelopmentWorkloadCaName = "Penstock DEVELOPMENT workload CA";

// [rest] certificate of a measured configuration: issued by the manager's workload CA.
inline constexpr std::string_view kCertificateOfManager = "manager";
// How long one is good for: what is asked for, within these.
inline constexpr std::int64_t kWorkloadSecondsMin = 4;
inline constexpr std::int64_t kWorkloadSecondsMax = 86'400;

// extendedKeyUsage of the certificate of the key that signs tokens: neither a server's nor a
// client's, so that it is good for nothing else.
inline constexpr std::string_view kTokenUsage = "2.25.168231587105823710642953416512098774103";

// The name stands in the certificate that clients pin, so a development manager cannot take a
// production manager's place under the same certificate.
inline bool is_development_ca(const crypto::Certificate& ca) {
  return ca.common_name() == kDevelopmentCaName || ca.common_name() == kDevelopmentWorkloadCaName;
}

}  // namespace penstock::keys
