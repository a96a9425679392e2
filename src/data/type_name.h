// Names of kinds of types, as messages have them.
#pragma once

#include <string_view>

#include "data/type.h"

namespace penstock::data {

std::string_view name_of(TypeKind kind);  // "BOOLEAN", ..., "STRUCT"

}  // namespace penstock::data
