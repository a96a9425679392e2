#pragma once

#include <string_view>

namespace penstock::manager {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace penstock::manager
