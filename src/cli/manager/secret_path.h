// Names of an app's secrets as they are typed.
#pragma once

#include <string>
#include <string_view>

#include "keys/resource.h"

namespace penstock::cli {

// "KIND/NAME" of the app. invalid_argument: another number of parts, or characters that do not go.
Result<keys::ResourcePath> parse_secret_path(std::string_view app, std::string_view typed);

// Where the admin API has it.
std::string api_path(const keys::ResourcePath& secret);

}  // namespace penstock::cli
