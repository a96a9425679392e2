// SHA-2 (FIPS 180-4), one call each. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "base/bytes.h"

namespace penstock::crypto {

using Sha256Digest = std::array<std::uint8_t, 32>;
using Sha384Digest = std::array<std::uint8_t, 48>;
using Sha512Digest = std::array<std::uint8_t, 64>;

Sha256Digest sha256(ByteView data);
Sha384Digest sha384(ByteView data);
Sha512Digest sha512(ByteView data);

// Of a whole file, read piece by piece. not_found, io: it cannot be opened or read.
Result<Sha384Digest> sha384_file(const std::filesystem::path& path);

}  // namespace penstock::crypto
