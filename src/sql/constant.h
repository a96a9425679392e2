// Values known while a statement is bound. Private to sql.
#pragma once

#include <optional>

#include "data/type.h"
#include "data/value.h"

namespace penstock::sql {

enum class Conversion : std::uint8_t {
  lossless,  // as the binder widens: nothing may be cut off
  cast,      // as CAST: digits behind a decimal's scale are rounded half up
};

// The value in another type: numbers widened, texts read, values written as text. nullopt when the
// text is malformed, the value does not fit, or CAST at run time has to decide.
std::optional<data::Value> convert_constant(const data::Value& value, const data::Type& from,
                                            const data::Type& to, Conversion conversion);

// The number with its sign changed; nullopt for other values and where that overflows.
std::optional<data::Value> negated_constant(const data::Value& value);

// As text that reads back: 1000.00, 'it''s', TRUE, NULL, DATE '2026-05-17'.
std::string literal_text(const data::Value& value, const data::Type& type);

}  // namespace penstock::sql
