// Times as collateral writes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace penstock::attest {

std::string rfc3339(std::int64_t seconds);                  // "2025-06-19T10:56:11Z"
Result<std::int64_t> parse_rfc3339(std::string_view text);  // UTC, whole seconds

}  // namespace penstock::attest
