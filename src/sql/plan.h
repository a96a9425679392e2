// Logical plans: a tree of steps from sources to one sink or to a client. Steps know schemas and
// expressions, nothing of files, keys or threads; engine makes operators of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "data/schema.h"
#include "sql/expr.h"
#include "sql/stream_info.h"

namespace penstock::sql {

struct PlanNode;
using PlanPtr = std::unique_ptr<PlanNode>;

enum class PseudoColumn : std::uint8_t {
  rowtime,
  rowpartition,
  rowoffset
};  // BIGINT, INTEGER, BIGINT

// Reads a stream's topic. Its output: the stream's columns in order, then the pseudo-columns named.
struct SourceStep {
  StreamInfo stream;
  std::vector<bool> used;  // per output column: read by a later step (projection pushdown)
  std::vector<PseudoColumn> pseudo;
};

struct FilterStep {
  ExprPtr predicate;  // BOOLEAN; rows for which it is true stay
};

struct ProjectStep {
  struct Item {
    std::string name;
    ExprPtr expr;
  };
  std::vector<Item> items;  // one per output column, keys first
};

// PARTITION BY: the records' key becomes these columns of the input; rows move to the partition of
// their new key. (Without one, a record stays in the partition of the same number, or of its key.)
struct RekeyStep {};  // the key columns are those of PlanNode::schema

// Ends after so many rows (push queries).
struct LimitStep {
  std::int64_t rows;
};

// Writes to a stream's topic. Input columns match the stream's schema by position.
struct SinkStep {
  StreamInfo stream;
};

struct PlanNode {
  std::variant<SourceStep, FilterStep, ProjectStep, RekeyStep, LimitStep, SinkStep> step;
  std::vector<PlanPtr> inputs;  // none for sources; one for the others; joins and unions take more
  data::Schema schema;          // of the output
};

// The tree as EXPLAIN shows it, one step a line, indented.
std::string to_text(const PlanNode& plan);

}  // namespace penstock::sql
