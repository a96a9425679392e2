// Reading files that hold secrets.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/secret.h"

namespace penstock {

// The whole file. permission_denied: a link, another user's file, or one that others may read or
// write; limit_exceeded: over bytes_max. `what` names it in errors: "admin token".
Result<SecretBuffer> read_private_file(const std::filesystem::path& path, std::string_view what,
                                       std::size_t bytes_max);

}  // namespace penstock
