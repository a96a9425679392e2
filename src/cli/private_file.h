// Files that hold secrets, tokens and private keys, made and read.
#pragma once

#include <filesystem>

#include "base/private_file.h"

namespace penstock::cli {

// already_exists when the file is there: keys are never overwritten.
Result<> require_absent(const std::filesystem::path& path);
// A new file of mode 0600; already_exists.
Result<> write_private_file(const std::filesystem::path& path, ByteView contents);

// What standard input gives up to its end. limit_exceeded.
Result<SecretBuffer> read_secret_from_stdin(std::size_t bytes_max);

}  // namespace penstock::cli
