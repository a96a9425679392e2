// Single cells of columns of any type: compared, hashed, printed, copied. With the kernels, the
// only place that tells types apart.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "data/column.h"

namespace penstock::data {

// A total order of the cells of two columns of one type (decimals may differ in scale): nulls
// first, booleans false first, NaN above every double, strings by UTF-16 units, arrays by elements,
// structs by fields, maps by their entries in order of keys. <0, 0, >0.
int compare_cells(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b);

// Equality of the same: nulls are equal, decimals equal by value, maps whatever the order of their
// entries.
bool equal_cells(const Column& a, std::size_t row_a, const Column& b, std::size_t row_b);

// Equal cells have equal hashes.
std::uint64_t hash_cell(const Column& column, std::size_t row);

// As CAST(... AS STRING) prints it: 1.0E10, [1, 2], {a=1, b=null}, Struct{F=1}; bytes in hex;
// null.
void append_cell_text(std::string& out, const Column& column, std::size_t row);

// Both columns are of one type; texts stay where they are. A list is appended to the children.
void copy_cell(const Column& from, std::size_t from_row, Column& to, std::size_t to_row);
void copy_rows(const Column& from, Selection rows, Column& to);
// to[i] = from[rows[i]]; `to` gets as many rows.
void gather(const Column& from, std::span<const RowIndex> rows, Column& to);
// The row for all rows from `begin` on; lists share their elements.
void repeat_cell(Column& column, std::size_t row, std::size_t begin);

}  // namespace penstock::data
