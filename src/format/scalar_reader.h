// Texts of single values into cells of columns, by ksqlDB's conversions. Shared by all JSON paths,
// so that they cannot differ, and by DELIMITED.
#pragma once

#include <cstdint>
#include <string_view>

#include "data/arena.h"
#include "data/column.h"
#include "format/reasons.h"

namespace penstock::format {

// Where a column's cells are, looked up once per batch.
struct Target {
  data::TypeKind kind{};
  int precision = 0, scale = 0;
  data::Column* column = nullptr;
  void* cells = nullptr;

  explicit Target(data::Column& c);  // after Column::reset
  template <typename T>
  T& cell(std::size_t row) const {
    return static_cast<T*>(cells)[row];
  }
};

// Each writes row's cell and returns reason::kNone, or the failure's reason.

// A number as JSON spells it (already checked), where it stands in its record: padding follows (see
// digits.h). INTEGER and BIGINT take fractions cut towards zero as
// ksqlDB does, STRING the text (see number_text.h).
std::string_view read_number(const Target& target, data::RowIndex row, std::string_view text);

// A string's contents. Numeric types take the number that it spells, BYTES its base64 (RFC 4648,
// section 4). STRING keeps the view: it must live as long as the column.
std::string_view read_string(const Target& target, data::RowIndex row, std::string_view text,
                             data::Arena& arena);

// BOOLEAN, or STRING ("true").
std::string_view read_boolean(const Target& target, data::RowIndex row, bool value);

}  // namespace penstock::format
