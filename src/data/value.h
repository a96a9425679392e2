// A single value of any type: literals, rows sent to clients, INSERT VALUES. Never on the hot path.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "data/column.h"
#include "data/type.h"

namespace penstock::data {

struct Null {
  friend bool operator==(Null, Null) = default;
};

struct Value;

// The elements of an ARRAY, or the fields of a STRUCT in order.
struct ListValue {
  std::vector<Value> items;
  friend bool operator==(const ListValue& a, const ListValue& b);
};

// The entries of a MAP: keys[i] has values[i].
struct MapValue {
  std::vector<Value> keys, values;
  friend bool operator==(const MapValue& a, const MapValue& b);
};

// boolean: bool; integer, date, time: int32_t; bigint, timestamp: int64_t; double: double; decimal:
// Int128; string, bytes: std::string; array, struct: ListValue; map: MapValue. A variant: std::get,
// std::get_if, std::holds_alternative and std::visit take it.
struct Value : std::variant<Null, bool, std::int32_t, std::int64_t, double, Int128, std::string,
                            ListValue, MapValue> {
  using variant::variant;
};
// NaN is the same as NaN, as in equal_cells.
bool operator==(const Value& a, const Value& b);
inline bool operator==(const ListValue& a, const ListValue& b) {
  return a.items == b.items;
}
inline bool operator==(const MapValue& a, const MapValue& b) {
  return a.keys == b.keys && a.values == b.values;
}

Value value_at(const Column& column, std::size_t row);

// Writes the value, which is Null or of the column's physical type (CHECKed). Text is copied into
// the arena, which must outlive the column's use.
class Arena;
void set_value(Column& column, std::size_t row, const Value& value, Arena& arena);

}  // namespace penstock::data
