// How many files and sockets the process may have open.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"

namespace penstock {

// Raises the soft limit (RLIMIT_NOFILE) to the hard one, once and for good; returns it.
// limit_exceeded: even that is less than `needed`.
Result<std::size_t> raise_descriptor_limit(std::size_t needed);

// "the limit is 1024 (RLIMIT_NOFILE); raise it ...", for the error of who meets it.
std::string descriptor_limit_text();

}  // namespace penstock
