// Column definitions to a schema. Private to sql.
#pragma once

#include "sql/ast.h"
#include "sql/bind_type.h"
#include "sql/diagnostic.h"

namespace penstock::sql {

// Sets the source's schema (keys first) and header columns.
Parsed<void> bind_columns(const ast::CreateSource& create, const Catalogue& catalogue,
                          SourceInfo& source);
// Names of pseudo-columns are not free.
Parsed<void> check_column_name(const ast::Identifier& name);

}  // namespace penstock::sql
