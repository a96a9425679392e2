// Columns in another type, as CAST does it: for every batch, and for constants while a statement is
// bound.
#pragma once

#include <cstddef>
#include <string_view>

#include "data/arena.h"
#include "data/column.h"
#include "data/row_errors.h"
#include "data/type.h"

namespace penstock::data {

// Reasons of rows that cannot be converted.
inline constexpr std::string_view kCastFailed = "cast_failed";
inline constexpr std::string_view kDecimalOverflow = "decimal_overflow";
inline constexpr std::string_view kTextTooLong = "text_too_long";
// A text above this fails its row with kTextTooLong.
inline constexpr std::size_t kTextResultBytesMax = 1 << 20;

struct CastCall {
  const Column& from;
  Column& to;      // already reset to as many rows; of the type that is wanted
  Selection rows;  // the only ones to convert; none is null
  Arena& arena;    // for texts
  RowErrors& errors;
};

// Converts the rows; where there is no such cast every row fails. A value that the target cannot
// hold fails its row; integers wrap and doubles saturate as Java's conversions do.
void cast(const CastCall& call);

// The conversion from kind to kind; nullptr when there is no such cast:
//   INTEGER, BIGINT, DOUBLE, DECIMAL  to each other and STRING
//   BOOLEAN                           to STRING
//   STRING                            to everything but BYTES
//   DATE                              to TIMESTAMP and STRING
//   TIME                              to STRING
//   TIMESTAMP                         to DATE, TIME and STRING
// every scalar type to itself, ARRAY, MAP and STRUCT to STRING and to their own kind, part by part.
using CastKernel = void (*)(const CastCall& call);
CastKernel cast_kernel(TypeKind from, TypeKind to);

// Parts of cast_kernel.
CastKernel cast_nested(TypeKind from, TypeKind to);  // from a nested type
CastKernel cast_to_string(TypeKind from);
CastKernel cast_from_string(TypeKind to);

}  // namespace penstock::data
