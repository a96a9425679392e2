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

// boolean: bool; integer, date, time: int32_t; bigint, timestamp: int64_t; double: double; decimal:
// Int128; string, bytes: std::string.
using Value = std::variant<Null, bool, std::int32_t, std::int64_t, double, Int128, std::string>;

Value value_at(const Column& column, std::size_t row);

// Writes the value, which is Null or of the column's physical type (CHECKed). Text is copied into
// the arena, which must outlive the column's use.
class Arena;
void set_value(Column& column, std::size_t row, const Value& value, Arena& arena);

}  // namespace penstock::data
