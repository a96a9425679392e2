// What statements over the wire may do.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "server/rest_access.h"

namespace penstock::server {

// SELECT and PRINT, which give rows and belong to /query.
bool gives_rows(std::string_view statement);

// Whether the caller's role does for every statement of the script. permission_denied names the
// first one that it does not do for.
Result<> check_role(std::string_view script, const Caller& caller);

// Once keys are loaded and the SQL is measured, statements may only look: SHOW, LIST, DESCRIBE,
// EXPLAIN, SET, UNSET, DEFINE and UNDEFINE. permission_denied names the first one that does more.
// (What SELECT may read is the session's rule.) `signed_ones_run`: for the text, that a signature
// would help.
Result<> check_only_looks(std::string_view script, bool signed_ones_run);

}  // namespace penstock::server
