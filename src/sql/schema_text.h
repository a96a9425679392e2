// Columns as statements write them, without a statement.
#pragma once

#include <string_view>

#include "base/error.h"
#include "data/schema.h"

namespace penstock::sql {

// "ID INT KEY, `note` STRING"; KEY and PRIMARY KEY mean the same. Empty: no columns.
Result<data::Schema> parse_schema(std::string_view text);

}  // namespace penstock::sql
