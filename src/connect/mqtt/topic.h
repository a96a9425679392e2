// Topic names and filters (5.0, 4.7).
#pragma once

#include <string_view>

namespace penstock::connect::mqtt {

bool is_topic_name(std::string_view name);      // not empty, no wildcard
bool is_topic_filter(std::string_view filter);  // wildcards where they may stand; $share/g/f too
// Of a valid filter; $share/g/ in front of it does not matter.
bool matches(std::string_view filter, std::string_view name);

}  // namespace penstock::connect::mqtt
