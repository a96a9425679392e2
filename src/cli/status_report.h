// What a penstockd says about itself (GET /penstock/status), as text for people.
#pragma once

#include <string>

#include "base/json.h"

namespace penstock::cli {

// The whole answer; members that are absent are left out. Printable, whatever the server sent.
std::string status_text(const Json& status, std::size_t columns);

}  // namespace penstock::cli
