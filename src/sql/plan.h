// Logical plans: a tree of steps from sources to one sink or to a client. Steps know schemas and
// expressions, nothing of files, keys or threads; engine makes operators of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "data/schema.h"
#include "sql/aggregate.h"
#include "sql/expr.h"
#include "sql/stream_info.h"

namespace penstock::sql {

struct PlanNode;
using PlanPtr = std::unique_ptr<PlanNode>;

// BIGINT, INTEGER, BIGINT; of windowed sources BIGINT, BIGINT.
enum class PseudoColumn : std::uint8_t { rowtime, rowpartition, rowoffset, windowstart, windowend };

// Reads a source's topic. Its output: the source's columns in order (those with role `header` from
// the record's headers, see SourceInfo::headers_of), then the pseudo-columns named. Of a table
// every record is a change: a null value is a tombstone of its key. Of a windowed source the
// record's key is followed by the window (see WindowInfo), which goes along to the sink.
struct SourceStep {
  SourceInfo stream;
  std::vector<bool> used;  // per output column: read by a later step (projection pushdown)
  std::vector<PseudoColumn> pseudo;
};

// Rows for which the predicate is true stay. Of a table, a row that does not is a tombstone of its
// key from here on; tombstones pass as they are. Of a stream, a row whose value is null is dropped.
struct FilterStep {
  ExprPtr predicate;  // BOOLEAN
};

// One row per input row; tombstones (tables) and null values (streams) keep their key columns and
// stay what they are.
struct ProjectStep {
  struct Item {
    std::string name;
    ExprPtr expr;
  };
  std::vector<Item> items;  // one per output column, keys first
};

// Table functions (EXPLODE): output are the input's columns, then one per call. A row becomes as
// many rows as its longest result has; shorter ones are filled up with nulls; none: no row.
struct ExplodeStep {
  std::vector<ProjectStep::Item> calls;
};

// PARTITION BY: the records' key becomes these columns of the input; rows move to the partition of
// their new key. (Without one, a record stays in the partition of the same number, or of its key.)
struct RekeyStep {};  // the key columns are those of PlanNode::schema

// WINDOW ... of a grouping.
struct WindowSpec {
  WindowKind kind = WindowKind::tumbling;
  std::int64_t size_ms = 0;     // session: the gap
  std::int64_t advance_ms = 0;  // hopping; tumbling: the size
  std::optional<std::int64_t> retention_ms, grace_ms;
};

// How long a window waits for late rows; without GRACE PERIOD as in ksqlDB 24 hours less its size.
inline std::int64_t grace_of(std::optional<std::int64_t> given_ms, std::int64_t size_ms) {
  constexpr std::int64_t kDayMs = 24 * 3600 * 1000;
  return given_ms.value_or(std::max<std::int64_t>(kDayMs - size_ms, 0));
}
inline std::int64_t grace_of(const WindowSpec& window) {
  return grace_of(window.grace_ms, window.size_ms);
}

// GROUP BY with its aggregates. Output: the keys, one column per aggregate, with a window its
// bounds (WINDOWSTART, WINDOWEND). HAVING is a FilterStep behind it, the SELECT a ProjectStep.
struct AggregateStep {
  std::vector<ProjectStep::Item> keys;
  std::vector<ProjectStep::Item> aggregates;  // calls of aggregate functions over the input
  std::optional<WindowSpec> window;
  bool emit_final = false;  // one row per window, when it has closed
  CollectLimits limits = {};
};

// A table's rows as changes: the row of a key that was there (a retraction), then the one that is
// there now. The first columns of the input are the table's key; output: those behind them. Engine
// puts it before an aggregation over a table.
struct ChangesStep {
  std::vector<data::Type> types;  // of the input
  std::size_t keys;
};

// Around a join by a foreign key, whose sides lie in different partitions; engine puts them there.
// Before it: a table's rows as what each says to the other table's rows. Input: the foreign key,
// the table's key columns, others; output: the foreign key, whether an answer is wanted in any case
// (BOOLEAN), the table's key columns, a number that rises with each change of a row (BIGINT),
// whether the row is there (BOOLEAN), the others.
struct ForeignChangesStep {
  std::vector<data::Type> types;  // of the input
  std::size_t keys;
};
// Behind it: answers about one row in any order into what is the newest. Input: the table's key
// columns, the number, whether the joined row is there, others; output: keys and others at their
// places, a tombstone if it is not.
struct ForeignResultStep {
  std::size_t keys;
  std::vector<std::size_t> places;  // of keys, then of others
};

enum class JoinKind : std::uint8_t { inner, left, right, full };
enum class JoinShape : std::uint8_t { stream_stream, stream_table, table_table, foreign_key };

// Two inputs. Output: columns of the left one but its last if that is a join's key, then of the
// right one, then the value that was joined by, which on either side may be missing: the rows' key.
// By a foreign key the left rows' own key stays, which is no column more unless joins came before.
struct JoinStep {
  JoinKind kind = JoinKind::inner;
  JoinShape shape = JoinShape::stream_stream;
  ExprPtr left, right;                                        // of ON, each over its own input
  bool key_column = false;                                    // there is that last column
  std::optional<std::int64_t> before_ms, after_ms, grace_ms;  // WITHIN, GRACE PERIOD
};
// Of a join of streams: its window is what WITHIN says.
inline std::int64_t grace_of(const JoinStep& join) {
  return grace_of(join.grace_ms, *join.before_ms + *join.after_ms);
}

// Ends after so many rows (push queries).
struct LimitStep {
  std::int64_t rows;
};

// Writes to a source's topic. Input columns match its schema by position (but for those with role
// `header`, which nothing writes).
struct SinkStep {
  SourceInfo stream;
  // The key is that of the source's record: where no column of it has a value there was none.
  bool keeps_key = false;
};

struct PlanNode {
  std::variant<SourceStep, FilterStep, ProjectStep, ExplodeStep, RekeyStep, AggregateStep,
               ChangesStep, ForeignChangesStep, ForeignResultStep, JoinStep, LimitStep, SinkStep>
      step;
  std::vector<PlanPtr> inputs;  // none for sources; two for joins; one for the others
  data::Schema schema;          // of the output
};

// The tree as EXPLAIN shows it, one step a line, indented.
std::string to_text(const PlanNode& plan);
std::string step_text(const PlanNode& node);  // of this step alone

}  // namespace penstock::sql
