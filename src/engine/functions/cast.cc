// CAST as an operator; how a column is converted stands in data/cast.h.
#include "data/cast.h"

#include "engine/functions/families.h"
#include "engine/functions/overload.h"
#include "sql/operator_names.h"

namespace penstock::engine::functions {
namespace {

void cast_argument(const sql::KernelCall& call) {
  data::cast({*call.args[0], call.result, call.rows, call.arena, call.errors});
}

data::Type target(Types types) {
  return types.back();
}

}  // namespace

FunctionList cast_operators() {
  return {
      {sql::op::kCast,
       "OPERATOR",
       "The value as another type.",
       {overload({ArgKind::any}, target, cast_argument)},
       {{"$cast(2147483648, INTEGER)", "-2147483648"},
        {"$cast(1E30, BIGINT)", "9223372036854775807"},
        {"$cast(-2.9, INTEGER)", "-2"},
        {"$cast(2.345, DECIMAL(5, 2))", "2.35"},
        {"$cast(' 12 ', INTEGER)", "12"},
        {"$cast('1.50', DECIMAL(5, 3))", "1.500"},
        {"$cast(1E10, STRING)", "'1.0E10'"},
        {"$cast(12.50, STRING)", "'12.50'"},
        {"$cast('yes', BOOLEAN)", "true"},
        {"$cast('2026-05-17T09:08:07.006', TIMESTAMP)", "2026-05-17T09:08:07.006"},
        {"$cast(DATE '2026-05-17', TIMESTAMP)", "2026-05-17T00:00:00.000"}}},
  };
}

}  // namespace penstock::engine::functions
