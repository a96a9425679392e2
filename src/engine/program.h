// Expressions made runnable: a tree of nodes over columns, whole batches at a time.
#pragma once

#include <memory>
#include <span>

#include "base/error.h"
#include "data/arena.h"
#include "data/column.h"
#include "sql/expr.h"
#include "sql/function.h"

namespace penstock::engine {

// What one evaluation works on. Everything outlives the call; results live as long as the batch.
struct Frame {
  std::size_t rows;                        // of the batch
  std::span<data::Column* const> columns;  // of the step's input; nullptr where not read
  data::Arena& arena;
  sql::RowErrors& errors;                      // rows that failed; their results are null
  std::span<data::Column* const> params = {};  // of lambdas and BindExprs around, by slot
};

// One step of a program. Owns the column that it writes, which is reused by every batch.
class ProgramNode {
 public:
  virtual ~ProgramNode() = default;
  // Only the selected rows of the result mean anything. The result may be an input's column and is
  // valid until the next call.
  virtual data::Column& evaluate(const Frame& frame, data::Selection rows) = 0;
};

// A compiled expression. One thread at a time; allocates nothing once it has seen its largest
// batch.
class Program {
 public:
  // not_supported_yet: a function without a kernel; invalid_argument: constant arguments that a
  // function refuses. The expression is not kept, the function catalogue is.
  static Result<Program> compile(const sql::Expr& expr);

  // Column references cost nothing: their result is the input's column (nullptr if that is absent).
  data::Column* evaluate(const Frame& frame, data::Selection rows);

 private:
  Program(std::unique_ptr<data::Arena> literals, std::unique_ptr<ProgramNode> root,
          std::ptrdiff_t input)
      : literals_(std::move(literals)), root_(std::move(root)), input_(input) {}

  std::unique_ptr<data::Arena> literals_;  // texts of constants
  std::unique_ptr<ProgramNode> root_;      // null: the whole expression is the column input_
  std::ptrdiff_t input_;
};

// The result of an expression of which rows failed: NULL there, whatever it came to. `to`: reset,
// of the result's type.
void copy_with_nulls(const data::Column& from, data::Selection rows,
                     std::span<const sql::RowErrors::Entry> errors, data::Column& to);

// Rows of `rows` without those in `errors`, in order. `scratch` is reused memory.
void keep_unfailed(data::Selection rows, const sql::RowErrors& errors,
                   std::vector<std::uint8_t>& scratch, std::vector<data::RowIndex>& kept);

}  // namespace penstock::engine
