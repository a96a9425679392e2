// Names as statements write them. Private to sql.
#pragma once

#include <string>
#include <string_view>

namespace penstock::sql {

std::string name_text(std::string_view name);  // in back-quotes where it needs them

}  // namespace penstock::sql
