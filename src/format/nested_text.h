// JSON arrays and objects that become texts. Private to format.
#pragma once

#include <string_view>

#include "data/arena.h"
#include "data/column.h"

namespace penstock::format {

// The text that ksqlDB reads a JSON array or object as where a column is STRING: of an array the
// elements' texts as [1, x, null], of an object its compact JSON with members in the order of their
// names, the last of equal ones. `json` has been checked.
data::Text nested_text(std::string_view json, data::Arena& arena);

}  // namespace penstock::format
