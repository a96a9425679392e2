// What to do about an error, beyond what its text says.
#pragma once

#include <string_view>

#include "base/error.h"

namespace penstock::cli {

// One sentence, or empty when the text says it all.
std::string_view advice_for(const Error& error);

}  // namespace penstock::cli
