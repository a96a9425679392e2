// Entries of the audit log as text that a person can act on.
#pragma once

#include <string>

#include "base/json.h"

namespace penstock::cli {

// One entry: when, what, of what, by whom; of a denial each rule that failed, with what was
// expected, what was seen and what to do. Anything may be missing or of another type.
std::string audit_entry_text(const Json& entry, std::size_t columns);

// A rule's outcome ({"name","code","result","expected","seen","advice"}).
std::string rule_text(const Json& rule, std::size_t indent, std::size_t columns);

}  // namespace penstock::cli
