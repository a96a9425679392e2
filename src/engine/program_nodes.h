// The kinds of program nodes.
#pragma once

#include <vector>

#include "data/batch.h"
#include "data/value.h"
#include "engine/program.h"

namespace penstock::engine {

using NodePtr = std::unique_ptr<ProgramNode>;

// A column filled once.
class LiteralNode final : public ProgramNode {
 public:
  LiteralNode(const data::Type& type, const data::Value& value, data::Arena& arena);
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;

 private:
  data::Column column_;
};

class ColumnNode final : public ProgramNode {
 public:
  explicit ColumnNode(std::size_t index) : index_(index) {}
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;

 private:
  std::size_t index_;
};

// Arguments, then the kernel for the rows that it is to see.
class CallNode final : public ProgramNode {
 public:
  CallNode(const data::Type& type, const sql::Overload& overload, std::vector<NodePtr> args);
  data::Column& evaluate(const Frame& frame, data::Selection rows) override;

 private:
  // Makes rows null of which an argument is null; returns the others.
  data::Selection take_nulls_out(data::Selection rows);

  const sql::Overload& overload_;
  std::vector<NodePtr> args_;
  std::vector<const data::Column*> values_;
  std::vector<data::RowIndex> with_values_;
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
