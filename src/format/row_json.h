// Single values as JSON for REST rows and the command line.
#pragma once

#include <span>
#include <string>

#include "data/schema.h"
#include "data/type.h"
#include "data/value.h"

namespace penstock::format {

// Appends one value. DECIMAL is a plain number with its scale, DOUBLE as the JVM prints it (NaN and
// infinities in quotes), BYTES base64, TIMESTAMP "yyyy-MM-dd'T'HH:mm:ss.SSS", DATE and TIME ISO
// text. The value is Null or of the type's physical form (CHECKed).
void append_json(std::string& out, const data::Value& value, const data::Type& type);

// Appends a JSON array of the values, types in parallel.
void append_json_array(std::string& out, std::span<const data::Value> values,
                       std::span<const data::Type> types);

// Appends a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace penstock::format
