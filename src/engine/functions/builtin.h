// The functions and operators of this build, from the families' lists (families.h). What statements
// see of them is `builtin_functions()` in engine/runtime.h.
#pragma once

#include "engine/functions/families.h"

namespace penstock::engine::functions {

// Every family's functions, sorted by name.
FunctionList all_functions();

}  // namespace penstock::engine::functions
