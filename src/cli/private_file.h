// Files that hold secrets: tokens, private keys.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/secret.h"

namespace penstock::cli {

// The whole file. permission_denied: a link, another user's file, or one that others may read or
// write; limit_exceeded: over bytes_max. `what` names it in errors: "admin token".
Result<SecretBuffer> read_private_file(const std::filesystem::path& path, std::string_view what,
                                       std::size_t bytes_max);

// already_exists when the file is there: keys are never overwritten.
Result<> require_absent(const std::filesystem::path& path);
// A new file of mode 0600; already_exists.
Result<> write_private_file(const std::filesystem::path& path, ByteView contents);

// What standard input gives up to its end. limit_exceeded.
Result<SecretBuffer> read_secret_from_stdin(std::size_t bytes_max);

}  // namespace penstock::cli
