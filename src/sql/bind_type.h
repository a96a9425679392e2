// Types as written to types. Private to sql.
#pragma once

#include "sql/ast.h"
#include "sql/diagnostic.h"

namespace penstock::sql {

// catalogue: of custom types; nullptr: there are none.
Parsed<data::Type> bind_type(const ast::TypeName& name, const Catalogue* catalogue);
// Of a type that is_of_bearable_size() does not take.
std::unexpected<Diagnostic> type_too_large(SourceSpan span);

// The first part of a type that is a MAP, the type itself included.
bool holds_map(const data::Type& type);

}  // namespace penstock::sql
