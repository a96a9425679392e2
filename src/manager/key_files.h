// Files with keys: read with their modes checked, made once. For this module only.
#pragma once

#include <filesystem>

#include "base/secret.h"
#include "crypto/ec.h"
#include "crypto/random.h"

namespace penstock::manager {

inline constexpr std::size_t kSecretFileBytesMax = 16 << 10;

Result<bool> is_there(const std::filesystem::path& path);
Result<SecretBuffer> read_secret_file(const std::filesystem::path& path);
Result<crypto::P256PrivateKey> read_key_file(const std::filesystem::path& path);
// Nothing happens if the file is there.
Result<> make_key_file(const std::filesystem::path& path, crypto::RandomSource& random);

}  // namespace penstock::manager
