// For tests: evaluates texts such as "SUBSTRING('abc', 2)" with the builtin functions.
//
// Arguments are calls, literals (1, 5000000000, 1.50, 1E0, 'a', X'00FF', TRUE, NULL, DATE
// '2026-05-17', TIME '09:08', TIMESTAMP '2026-05-17T09:08') and, as the last one of $cast, a type.
// Overloads are picked as the binder does: an exact match first, then by widening.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/type.h"
#include "data/value.h"
#include "sql/function.h"

namespace penstock::engine::functions {

struct TypedValue {
  std::optional<data::Type> type;  // nullopt: NULL of no type
  data::Value value;
  std::string error;  // the reason when the row failed, or why the text was not understood

  // 'quoted' strings, X'00FF' bytes, NULL; "error: reason" when it failed.
  std::string text() const;
};

// How a kernel is run; every way must give the same result.
struct RunOptions {
  std::size_t rows = 1;
  std::vector<data::RowIndex> selection = {0};
};

TypedValue evaluate(std::string_view expression, const RunOptions& options = {});

// Runs one overload. Sets `strayed` when a row was written that is not selected, and reports a
// result that is not the same in all selected rows as an error.
TypedValue run(const sql::Overload& overload, std::vector<TypedValue> args,
               const RunOptions& options, const data::Type* cast_target);

inline std::string evaluated(std::string_view expression) {
  return evaluate(expression).text();
}

}  // namespace penstock::engine::functions
