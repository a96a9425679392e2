// Cells as bytes: keys and values of state, records between the stages of a query. Equal cells of
// one type have equal bytes (but for maps, whose entries keep their order).
#pragma once

#include "base/bytes.h"
#include "data/arena.h"
#include "data/column.h"

namespace penstock::data {

// Appends one cell: 0 for null, else 1 and the value, little endian; texts and lists after their
// number of bytes or elements (u32), structs as their fields.
void append_cell_bytes(ByteBuffer& out, const Column& column, std::size_t row);

// Takes a cell from the front of `in`. Texts are copied into the arena. False: `in` does not begin
// with a cell of the column's type; cell and `in` are undefined then.
bool take_cell_bytes(ByteView& in, Column& column, std::size_t row, Arena& arena);

// Passes over a cell of the type without reading it. False: as above.
bool skip_cell_bytes(ByteView& in, const Type& type);

}  // namespace penstock::data
