// What a SQL function is: a row of data and a kernel over columns. Operators and casts are
// functions too, under names that no statement can spell ("$add", "$cast", ...): see
// operator_names.h. Scalar, aggregate and table functions stand in one catalogue.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "data/arena.h"
#include "data/column.h"
#include "data/row_errors.h"
#include "data/type.h"
#include "data/value.h"
#include "sql/aggregate.h"
#include "sql/signature.h"

namespace penstock::sql {

using data::RowErrors;

// A lambda argument, made runnable.
class Lambda {
 public:
  virtual ~Lambda() = default;
  // Evaluates the body for `rows` elements: params[i] is the column of the i-th parameter, with as
  // many rows; element e belongs to row of_row[e] of the call's batch (whose other columns the body
  // may name). A failure is an error of that row. The result is valid until the next call.
  virtual const data::Column& apply(std::span<data::Column* const> params, std::size_t rows,
                                    std::span<const data::RowIndex> of_row) = 0;
};

// What a function made of its constant arguments (a compiled pattern, a mask).
class FunctionState {
 public:
  virtual ~FunctionState() = default;
};

// One call of a kernel: a whole batch.
struct KernelCall {
  std::span<const data::Column* const> args;  // rows as many as the batch; null for lambdas
  data::Column& result;  // already reset to the batch's rows; of the result type
  data::Selection rows;  // the only rows to compute (see NullRule)
  data::Arena& arena;    // for text results; lives as long as the batch
  RowErrors& errors;
  const FunctionState* state = nullptr;   // from Overload::prepare
  std::span<Lambda* const> lambdas = {};  // one per argument, null for values; empty: none
};
using Kernel = void (*)(const KernelCall& call);

// constants[i]: the i-th argument, when it is known before the first row; else null. Errors refuse
// the query: invalid_argument.
using Prepare =
    Result<std::shared_ptr<const FunctionState>> (*)(std::span<const data::Value* const> constants);

enum class NullRule : std::uint8_t {
  null_if_any,  // an argument is null -> the result is null; the kernel is not called for such rows
  sees_nulls,   // the kernel looks at nulls itself
};

// Short forms of the patterns of scalar arguments.
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
  any,   // T
  same,  // T again
};
TypePattern pattern_of(ArgKind kind);

struct Overload {
  Signature signature;  // its name is the function's
  NullRule null_rule = NullRule::null_if_any;
  // Where the result's pattern does not say all (decimals): the result's type from the arguments'
  // (after widening); for casts the target is appended. Null: the signature says it.
  data::Type (*result)(std::span<const data::Type> args) = nullptr;
  Kernel kernel = nullptr;  // null: binds, and answers not_supported_yet when it is to run
  Prepare prepare = nullptr;
  bool undo = false;  // aggregates: takes rows back, so that tables may be aggregated
  MakeAggregate aggregate = nullptr;  // of aggregates, in place of a kernel
};

struct FunctionExample {
  std::string_view expression;  // "MASK('Ab1-')"
  std::string_view result;      // "'Xxn-'"; as text of the value, 'quoted' for strings, NULL
};

enum class FunctionKind : std::uint8_t { scalar, aggregate, table };
std::string_view name_of(FunctionKind kind);  // "SCALAR", ...

struct ScalarFunction {
  std::string_view name;            // upper case; "$..." for operators
  std::string_view category;        // "STRING", "MATHEMATICAL", ... as SHOW FUNCTIONS groups them
  std::string_view help;            // one sentence
  std::vector<Overload> overloads;  // tried in order: exact match first, then by widening
  std::vector<FunctionExample> examples;  // run by the functions' conformance test
  FunctionKind kind = FunctionKind::scalar;
  bool deterministic = true;  // equal arguments give equal results: calls of constants are folded
  // A failure never becomes NULL: the record becomes a dead letter (MASK and its kin).
  bool protection = false;
};
using Function = ScalarFunction;

// All functions that statements can use. Immutable after start; shared by all threads.
class FunctionCatalogue {
 public:
  virtual ~FunctionCatalogue() = default;
  virtual const ScalarFunction* find(std::string_view name) const = 0;  // name in upper case
  virtual std::span<const ScalarFunction> all() const = 0;              // sorted by name
};

}  // namespace penstock::sql
