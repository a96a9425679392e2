// Which types can be compared and which become others by themselves: the tables, and the functions
// that read them.
#pragma once

#include <optional>

#include "data/type.h"

namespace penstock::sql {

// How two types compare with = <> IS DISTINCT FROM, and with < <= > >=.
enum class Comparability : std::uint8_t {
  none,
  numbers,    // widened to their common type
  same,       // equality and order, as they are
  equality,   // equality alone
  as_time,    // one is DATE or TIMESTAMP, the other too: both as TIMESTAMP
  time_text,  // a STRING beside DATE, TIME or TIMESTAMP is read as that (a column's text per row)
};
Comparability comparability(data::TypeKind a, data::TypeKind b);

// How a value of one type becomes another without CAST (INSERT VALUES, INSERT INTO ... SELECT,
// arguments of functions).
enum class ImplicitCast : std::uint8_t { none, identity, widening };
ImplicitCast implicit_cast(data::TypeKind from, data::TypeKind to);

// How far `from` widens to `to`'s kind along INTEGER -> BIGINT -> DECIMAL -> DOUBLE: 0 for the same
// kind, up to 3; nullopt when it does not.
std::optional<int> widening_steps(data::TypeKind from, data::TypeKind to);

// The decimal that holds every value of an integer type.
data::Type decimal_for(const data::Type& type);

// The narrowest type that holds both; nullopt when there is none. Arrays and maps part by part;
// structs get the fields of both.
std::optional<data::Type> common_type(const data::Type& a, const data::Type& b);

// Whether values of `from` can be written as `to` without losing anything; arrays, maps and structs
// part by part, structs by the fields' names.
bool widens_to(const data::Type& from, const data::Type& to);

// Whether a type is small enough to be worked with (kTypeDepthMax, kTypePartsMax): types made of
// others grow fast.
bool is_of_bearable_size(const data::Type& type);

// What CAST accepts; arrays, maps and structs part by part, structs by the fields' names.
bool castable(const data::Type& from, const data::Type& to);

}  // namespace penstock::sql
