// JSON arrays and objects into columns of ARRAY, MAP and STRUCT.
#pragma once

#include <string_view>

#include "data/arena.h"
#include "data/column.h"

namespace penstock::format {

// Reads a value into a cell of a column of any type. `text`: the value's whole text as it stands in
// its record, already checked by JsonDocument, padding behind it. reason::kNone, or the failure's
// reason; the cell is undefined then.
// - ARRAY takes arrays, MAP objects (of equal names the last wins), STRUCT objects: a member fills
//   the field whose name is equal, else the one that equals it in upper case (ASCII); an equal name
//   wins, and among those of one rank the last. Missing fields are null.
// - What becomes more cells than limits.h allows (structs have all their fields) fails.
// - null is null everywhere; scalars as scalar_reader.h has them; STRING takes any value's text.
std::string_view read_json_cell(data::Column& column, std::size_t row, std::string_view text,
                                data::Arena& arena);

}  // namespace penstock::format
