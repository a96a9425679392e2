// Values known while a statement is bound. Private to sql.
#pragma once

#include <optional>
#include <string>

#include "data/type.h"
#include "data/value.h"
#include "sql/function.h"

namespace penstock::sql {

// A constant in another type, computed by the catalogue's $cast, as a column's values are. nullopt:
// this has to be decided where the statement runs (the value cannot be converted, or is no literal
// afterwards: an infinite DOUBLE).
std::optional<data::Value> cast_constant(const FunctionCatalogue& functions,
                                         const data::Value& value, const data::Type& from,
                                         const data::Type& to);

// The same without CAST, where nothing may be cut off: numbers widened (and narrowed to INTEGER
// where they fit), values written as text; a text is read as a literal of the type, strictly.
// nullopt: that is not possible.
std::optional<data::Value> widen_constant(const FunctionCatalogue& functions,
                                          const data::Value& value, const data::Type& from,
                                          const data::Type& to);

// A text that stands for a number among numbers, read as a literal of its own: without blanks
// around it, a DOUBLE with an exponent, a DECIMAL with a point, else an INTEGER or BIGINT by its
// size. nullopt: none.
struct TypedValue {
  data::Type type;
  data::Value value;
};
std::optional<TypedValue> number_in_text(std::string_view text);

// A text among BOOLEANs: true, yes, false or no, or a beginning of them, in either case.
std::optional<bool> boolean_in_text(std::string_view text);

// The number with its sign changed; nullopt for other values and where that overflows.
std::optional<data::Value> negated_constant(const data::Value& value);

// As text that reads back: 1000.00, 'it''s', TRUE, NULL, DATE '2026-05-17'.
std::string literal_text(const data::Value& value, const data::Type& type);

}  // namespace penstock::sql
