// Private to attest.
#pragma once

#include <span>
#include <string_view>

#include "attest/anchors.h"

namespace penstock::attest {

struct BuiltinAnchor {
  Pki pki;
  std::string_view name, subject, key;  // base64 of DER
  // Certificates of it that are known: SHA-256 of their DER, in hex, one behind the other.
  std::string_view certificates;
};
std::span<const BuiltinAnchor> builtin_anchors();

}  // namespace penstock::attest
