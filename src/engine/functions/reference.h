// The reference page of the functions, made from the list itself.
#pragma once

#include <string>

namespace penstock::engine::functions {

// docs/sql/functions.md: every function by category with its signatures, help and examples.
std::string functions_markdown();

}  // namespace penstock::engine::functions
