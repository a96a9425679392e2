// Which casts exist, and their kernels.
#pragma once

#include "data/type.h"
#include "sql/function.h"

namespace penstock::engine::functions {

// The kernel that turns one argument of kind `from` into a result of kind `to`; nullptr when there
// is no such cast:
//   INTEGER, BIGINT, DOUBLE, DECIMAL  to each other and STRING
//   BOOLEAN                           to STRING
//   STRING                            to everything but BYTES
//   DATE                              to TIMESTAMP and STRING
//   TIME                              to STRING
//   TIMESTAMP                         to DATE, TIME and STRING
// every scalar type to itself, ARRAY, MAP and STRUCT to STRING and to their own kind, part by part.
sql::Kernel cast_kernel(data::TypeKind from, data::TypeKind to);

sql::Kernel cast_nested(data::TypeKind from, data::TypeKind to);  // from a nested type
sql::Kernel cast_to_string(data::TypeKind from);
sql::Kernel cast_from_string(data::TypeKind to);

}  // namespace penstock::engine::functions
