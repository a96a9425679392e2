// The kinds of program nodes.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "data/batch.h"
#include "data/value.h"
#include "engine/program.h"

namespace penstock::engine {

using NodePtr = std::unique_ptr<ProgramNode>;

// A column of one value, as long as the largest batch so far.
class LiteralNode final : public ProgramNode {
 public:
  LiteralNode(const data::Type& type, data::Value value, data::Arena& arena);
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;
  const data::Value& value() const { return value_; }

 private:
  data::Value value_;
  data::Column column_;
};

class ColumnNode final : public ProgramNode {
 public:
  explicit ColumnNode(std::size_t index) : index_(index) {}
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;

 private:
  std::size_t index_;
};

class ParamNode final : public ProgramNode {
 public:
  explicit ParamNode(std::size_t slot) : slot_(slot) {}
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;

 private:
  std::size_t slot_;
};

// A lambda: its body over elements instead of rows.
class LambdaBody final : public sql::Lambda {
 public:
  // What the body names of its surroundings.
  struct Outer {
    std::vector<std::pair<std::size_t, data::Type>> columns, params;
  };
  LambdaBody(NodePtr body, Outer outer, std::size_t outer_params);

  // The batch whose elements apply() will be given.
  void enter(const Frame& frame) { frame_ = &frame; }
  const data::Column& apply(std::span<data::Column* const> params, std::size_t rows,
                            std::span<const data::RowIndex> of_row) override;

 private:
  // An input repeated for each element of its row.
  struct Repeated {
    std::size_t index;
    data::Column column;
  };
  void repeat(std::vector<Repeated>& all, std::span<data::Column* const> from,
              std::vector<data::Column*>& to, std::span<const data::RowIndex> of_row);

  NodePtr body_;
  std::size_t outer_params_;
  std::vector<Repeated> columns_, outer_;
  std::vector<data::Column*> inner_columns_, inner_params_;
  std::vector<data::RowIndex> all_;
  sql::RowErrors errors_;
  const Frame* frame_ = nullptr;
};

// An argument of a call: a value or a lambda.
struct CallArgument {
  NodePtr value;
  std::unique_ptr<LambdaBody> lambda;
};

// Arguments, then the kernel for the rows that it is to see. strict: a null argument is a failure
// (arithmetic within lambdas).
class CallNode final : public ProgramNode {
 public:
  CallNode(const data::Type& type, const sql::ScalarFunction& function,
           const sql::Overload& overload, std::vector<CallArgument> args,
           std::shared_ptr<const sql::FunctionState> state, bool strict = false);
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;

 private:
  // Makes rows null of which an argument is null; returns the others.
  data::Selection take_nulls_out(const Frame& frame, data::Selection rows);
  void refuse_grown(const Frame& frame, data::Selection rows, std::size_t errors_before) const;

  const sql::Overload& overload_;
  const bool protection_, strict_;
  std::vector<CallArgument> args_;
  std::shared_ptr<const sql::FunctionState> state_;
  std::vector<const data::Column*> values_;
  std::vector<sql::Lambda*> lambdas_;
  std::vector<data::RowIndex> with_values_;
  data::Column result_;
};

// The value, then the body with it as its last parameter.
class BindNode final : public ProgramNode {
 public:
  BindNode(NodePtr value, NodePtr body) : value_(std::move(value)), body_(std::move(body)) {}
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;

 private:
  NodePtr value_, body_;
  std::vector<data::Column*> params_;
};

// The constants of an IN: open addressing, at most half full. One probe settles most rows.
class ConstantSet {
 public:
  // values: of `type`; nulls among them are left out.
  ConstantSet(const data::Type& type, const std::vector<data::Value>& values, data::Arena& arena);
  // Whether the row, which is not null, is one of them.
  bool contains(const data::Column& column, data::RowIndex row) const;
  // The same for columns of BIGINT and TIMESTAMP, or INTEGER, DATE and TIME.
  bool contains(std::int64_t value) const;
  bool of_integers() const { return of_integers_; }

 private:
  struct Slot {
    std::uint64_t hash = 0;     // of integers: the value
    std::uint32_t row = kFree;  // of constants_
  };
  static constexpr std::uint32_t kFree = ~0U;
  void add(std::uint64_t hash, std::uint32_t row);

  data::Column constants_;
  bool of_integers_;
  int shift_ = 0;
  std::vector<Slot> slots_;
};

// Constants in a set, others one after the other for the rows that are still open.
class InNode final : public ProgramNode {
 public:
  InNode(NodePtr value, const data::Type& type, const std::vector<data::Value>& constants,
         std::vector<NodePtr> others, data::Arena& arena);
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;

 private:
  void look_up(const data::Column& value, data::Selection rows);

  NodePtr value_;
  ConstantSet constants_;
  std::vector<NodePtr> others_;
  std::vector<data::RowIndex> open_;
  data::Column result_;
};

class FieldNode final : public ProgramNode {
 public:
  FieldNode(const data::Type& type, NodePtr from, std::size_t field)
      : from_(std::move(from)), field_(field), result_(type) {}
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;

 private:
  NodePtr from_;
  std::size_t field_;
  std::vector<data::RowIndex> there_;
  data::Column result_;
};

// ARRAY[...], MAP(...), STRUCT(...).
class ConstructNode final : public ProgramNode {
 public:
  // whole: a part that fails makes all of it fail.
  ConstructNode(const data::Type& type, std::vector<NodePtr> parts, bool whole)
      : whole_(whole),
        parts_(std::move(parts)),
        values_(parts_.size()),
        failed_(parts_.size()),
        result_(type) {}
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;

 private:
  void put_array(data::RowIndex row);
  void put_map(data::RowIndex row, const Frame& frame);

  const bool whole_;
  std::vector<NodePtr> parts_;
  std::vector<const data::Column*> values_;
  std::vector<std::unique_ptr<data::Column>> failed_;  // values of parts that failed for rows
  data::Column result_;
};

// AND, OR over SQL's three values.
class LogicalNode final : public ProgramNode {
 public:
  LogicalNode(sql::LogicalExpr::Kind kind, std::vector<NodePtr> terms);
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;

 private:
  // Settles the rows that this term decides; returns those that are still open.
  data::Selection settle(const data::Column& term, data::Selection open);

  std::uint8_t deciding_;  // the value that ends the search: 0 for AND, 1 for OR
  std::vector<NodePtr> terms_;
  std::vector<data::RowIndex> open_;
  data::Column result_;
};

class CaseNode final : public ProgramNode {
 public:
  struct Branch {
    NodePtr when;
    NodePtr then;
  };
  CaseNode(const data::Type& type, std::vector<Branch> branches, NodePtr otherwise);
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;

 private:
  std::vector<Branch> branches_;
  NodePtr otherwise_;
  std::vector<data::RowIndex> open_, hits_;
  data::Column result_;
};

}  // namespace penstock::engine
