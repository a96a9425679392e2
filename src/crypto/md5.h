// MD5, for a SQL function that old data needs. It protects nothing: nothing else may use it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace penstock::crypto {

// nullopt: the library does not have it (FIPS).
std::optional<std::array<std::uint8_t, 16>> md5(ByteView data);

}  // namespace penstock::crypto
