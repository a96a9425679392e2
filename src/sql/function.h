// What a SQL function is: a row of data and a kernel over columns. Operators and casts are
// functions too, under names that no statement can spell ("$add", "$cast", ...): see
// operator_names.h.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/arena.h"
#include "data/column.h"
#include "data/row_errors.h"
#include "data/type.h"

namespace penstock::sql {

using data::RowErrors;

// One call of a kernel: a whole batch.
struct KernelCall {
  std::span<const data::Column* const> args;  // rows as many as the batch
  data::Column& result;  // already reset to the batch's rows; of the result type
  data::Selection rows;  // the only rows to compute (see NullRule)
  data::Arena& arena;    // for text results; lives as long as the batch
  RowErrors& errors;
};
using Kernel = void (*)(const KernelCall& call);

enum class NullRule : std::uint8_t {
  null_if_any,  // an argument is null -> the result is null; the kernel is not called for such rows
  sees_nulls,   // the kernel looks at nulls itself
};

// What an argument position takes. Widening INTEGER -> BIGINT -> DECIMAL -> DOUBLE is the binder's.
enum class ArgKind : std::uint8_t {
  boolean,
  integer,
  bigint,
  double_,
  decimal,
  string,
  bytes,
  date,
  time,
  timestamp,
  any,   // every scalar type
  same,  // the same type as the first `any` or `same` argument, after widening to a common type
};

struct Overload {
  std::vector<ArgKind> args;
  bool variadic = false;  // the last argument may repeat (one or more times)
  NullRule null_rule = NullRule::null_if_any;
  // The result's type from the arguments' types (after widening); for casts the target is appended.
  data::Type (*result)(std::span<const data::Type> args) = nullptr;
  Kernel kernel = nullptr;
};

struct FunctionExample {
  std::string_view expression;  // "MASK('Ab1-')"
  std::string_view result;      // "'Xxn-'"; as text of the value, 'quoted' for strings, NULL
};

struct ScalarFunction {
  std::string_view name;            // upper case; "$..." for operators
  std::string_view category;        // "STRING", "MATHEMATICAL", ... as SHOW FUNCTIONS groups them
  std::string_view help;            // one sentence
  std::vector<Overload> overloads;  // tried in order: exact match first, then by widening
  std::vector<FunctionExample> examples;  // run by the functions' conformance test
};

// All functions that statements can use. Immutable after start; shared by all threads.
class FunctionCatalogue {
 public:
  virtual ~FunctionCatalogue() = default;
  virtual const ScalarFunction* find(std::string_view name) const = 0;  // name in upper case
  virtual std::span<const ScalarFunction> all() const = 0;              // sorted by name
};

}  // namespace penstock::sql
