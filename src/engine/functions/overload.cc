#include "engine/functions/overload.h"

#include <algorithm>

#include "base/check.h"
#include "data/decimal.h"

namespace penstock::engine::functions {

data::Type common_type(Types args) {
  if (args.front().kind() != data::TypeKind::decimal) return args.front();
  int scale = 0, integral = 0;
  for (const data::Type& type : args) {
    if (type.kind() != data::TypeKind::decimal) continue;
    scale = std::max(scale, type.scale());
    integral = std::max(integral, type.precision() - type.scale());
  }
  scale = std::min(scale, data::kDecimalDigitsMax - integral);
  auto made = data::Type::decimal(std::max(integral + scale, 1), scale);
  CHECK(made.has_value());
  return *made;
}

}  // namespace penstock::engine::functions
