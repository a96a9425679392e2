#include "sql/aggregate.h"

#include "base/check.h"

namespace penstock::sql {

void Aggregate::undo(const AggregateRows&) {
  CHECK(false && "Overload::undo says that this aggregate takes nothing back");
}

}  // namespace penstock::sql
