// Single values as JSON for REST rows and the command line.
#pragma once

#include <span>
#include <string>

#include "data/column.h"
#include "data/schema.h"
#include "data/type.h"
#include "data/value.h"

namespace penstock::format {

// Appends one value. DECIMAL is a plain number with its scale, DOUBLE as the JVM prints it (NaN and
// infinities in quotes), BYTES base64, TIMESTAMP "yyyy-MM-dd'T'HH:mm:ss.SSS", DATE and TIME ISO
// text. The value is Null or of the type's physical form (CHECKed).
void append_json(std::string& out, const data::Value& value, const data::Type& type);

// Appends a row as a JSON array: [1,"a",null]. One value per column.
void append_json_row(std::string& out, std::span<const data::Value> row,
                     const data::Schema& schema);

// The same of a cell of a column, without a value in between.
void append_json_cell(std::string& out, const data::Column& column, std::size_t row);

// Appends a JSON string with its quotes; what is no UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace penstock::format
