#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "engine/stage_cutting.h"
#include "sql/expr_tools.h"

namespace penstock::engine {
namespace {

using data::ColumnRole;

// Of a source or a join: its columns but a join's key.
std::size_t columns_of(const sql::PlanNode& node) {
  const auto* join = std::get_if<sql::JoinStep>(&node.step);
  return node.schema.columns.size() - (join != nullptr && join->key_column ? 1 : 0);
}

// Those of them that somebody reads; the others are absent.
std::vector<bool> used_columns(const sql::PlanNode& node) {
  if (const auto* source = std::get_if<sql::SourceStep>(&node.step)) return source->used;
  std::vector<bool> used;
  for (const sql::PlanPtr& input : node.inputs)
    std::ranges::copy(used_columns(*input), std::back_inserter(used));
  CHECK(used.size() == columns_of(node));
  return used;
}

// A join as a stage of several inputs. Records that lie where their key puts them are read where
// they are; others are moved, and then so are those of the other side.
class JoinCut {
 public:
  JoinCut(Cutting& cutting, const sql::PlanNode& node, std::optional<Keyed>& keyed)
      : cutting_(cutting), node_(node), step_(std::get<sql::JoinStep>(node.step)), keyed_(keyed) {}

  Result<PlanParts> make() {
    if (step_.shape == sql::JoinShape::foreign_key) return by_foreign_key();
    const std::size_t base = columns_of(*node_.inputs[0]);
    Side left = TRY(side_of(*node_.inputs[0], *step_.left, 0));
    Side right = TRY(side_of(*node_.inputs[1], *step_.right, base));
    if (stay(left, right)) {
      keyed_ = Keyed{.columns = keys_of_output(base), .format = left.keyed->format};
    } else if (!is_whole()) {
      TRY(move(left));
      TRY(move(right));
    }
    JoinParts join{.step = &step_,
                   .left = std::move(left.rows),
                   .right = std::move(right.rows),
                   .schema = &node_.schema,
                   .window = left.parts.source->stream.window};
    PlanParts out = joined(std::move(left.parts), std::move(right.parts), std::move(join));
    out.schema = &node_.schema;
    out.table = step_.shape == sql::JoinShape::table_table;
    out.keys.clear();
    if (step_.key_column) out.keys = {node_.schema.columns.size() - 1};
    return out;
  }

 private:
  struct Side {
    PlanParts parts;  // what is read
    JoinParts::Side rows;
    std::shared_ptr<sql::PlanNode> projection;
    std::optional<Keyed> keyed;  // joined by its key
  };

  // One stage reads all partitions: rows meet where they are.
  bool is_whole() const { return cutting_.id == nullptr; }

  // What both sides read, and their join.
  static PlanParts joined(PlanParts left, PlanParts right, JoinParts join) {
    join.left.join = left.join;
    join.right.join = right.join;
    PlanParts out = std::move(left);
    out.join = std::make_shared<const JoinParts>(std::move(join));
    out.others.push_back({right.source, right.source_schema});
    std::ranges::copy(right.others, std::back_inserter(out.others));
    std::ranges::copy(right.made, std::back_inserter(out.made));
    return out;
  }

  Result<Side> side_of(const sql::PlanNode& input, const sql::Expr& key, std::size_t base) {
    Side side;
    std::optional<Keyed> keyed;
    side.parts = TRY(rows_of(cutting_, input, keyed));
    sql::ProjectStep project;
    data::Schema schema;
    const auto add = [&](std::string name, sql::ExprPtr expr, ColumnRole role) {
      side.rows.types.push_back(expr->type);
      schema.columns.push_back({name, expr->type, role});
      project.items.push_back({std::move(name), std::move(expr)});
    };
    add("KEY", sql::clone(key), ColumnRole::key);
    const std::vector<bool> used = used_columns(input);
    for (std::size_t i = 0; i < used.size(); ++i) {
      if (!used[i]) continue;
      add(input.schema.columns[i].name, column_expr(input.schema.columns[i].type, i),
          ColumnRole::value);
      side.rows.places.push_back(base + i);
    }
    side.projection = made_node(std::move(project), std::move(schema));
    side.parts.made.push_back(side.projection);
    side.rows.steps = std::exchange(side.parts.steps, {});
    side.rows.steps.push_back(side.projection.get());
    const auto* column = std::get_if<sql::ColumnExpr>(&key.node);
    if (keyed && column != nullptr &&
        std::ranges::find(keyed->columns, column->index) != keyed->columns.end())
      side.keyed = std::move(keyed);
    return side;
  }

  // A task has one position in a topic: nothing is read twice.
  static bool stay(const Side& left, const Side& right) {
    if (!left.keyed || !right.keyed || left.keyed->format != right.keyed->format) return false;
    const std::string& topic = right.parts.source->stream.topic;
    return std::ranges::none_of(sources_of(left.parts),
                                [&](const auto* source) { return source->topic == topic; });
  }

  // Columns of what comes out that have the key's value in every row.
  std::vector<std::size_t> keys_of_output(std::size_t base) const {
    std::vector<std::size_t> columns;
    if (step_.key_column) columns.push_back(node_.schema.columns.size() - 1);
    const auto add = [&](const sql::Expr& expr, std::size_t from) {
      const auto* column = std::get_if<sql::ColumnExpr>(&expr.node);
      if (column != nullptr && from + column->index < columns_of(node_))
        columns.push_back(from + column->index);
    };
    if (step_.kind == sql::JoinKind::inner || step_.kind == sql::JoinKind::left)
      add(*step_.left, 0);
    if (step_.kind == sql::JoinKind::inner || step_.kind == sql::JoinKind::right)
      add(*step_.right, base);
    return columns;
  }

  // The side's rows go through a topic of their own.
  Result<> move(Side& side) {
    if (side.parts.source->stream.window)
      return fail(ErrorCode::unsupported,
                  fmt::format("a join whose sides have their keys in different formats moves its "
                              "rows, which those of windowed source {} cannot yet",
                              side.parts.source->stream.name));
    const Exchange exchange(cutting_, side.projection->schema,
                            side.parts.table ? sql::SourceKind::table : sql::SourceKind::stream,
                            step_.shape == sql::JoinShape::foreign_key ? ExchangeKind::foreign_key
                                                                       : ExchangeKind::repartition);
    side.parts.steps = std::exchange(side.rows.steps, {});
    exchange.end(side.parts);
    cutting_.stages.push_back(std::move(side.parts));
    side.parts = exchange.begin();
    side.keyed.reset();
    return {};
  }

  // Three stages: the left rows go to what they refer to, meet the right ones there, and what comes
  // of it goes back to the left rows' key.
  Result<PlanParts> by_foreign_key() {
    std::vector<std::size_t> places;  // in the output, of the left rows' columns, keys first
    Side left;
    left.parts = TRY(foreign_changes(places));
    const std::vector<std::size_t> keys = std::move(left.parts.keys);
    Side right = TRY(side_of(*node_.inputs[1], *step_.right, columns_of(*node_.inputs[0])));
    if (is_whole()) {
      left.rows.steps = std::exchange(left.parts.steps, {});
    } else {
      left.parts = end_stage(std::move(left.parts), 1);
      TRY(move(right));
    }
    std::ranges::copy(right.rows.places, std::back_inserter(places));
    PlanParts out = meet(std::move(left), std::move(right), keys.size());
    if (!is_whole()) out = end_stage(std::move(out), keys.size());
    const auto result =
        made_node(sql::ForeignResultStep{keys.size(), std::move(places)}, node_.schema);
    out.steps = {result.get()};
    out.made.push_back(result);
    out.schema = &node_.schema;
    out.table = true;
    out.keys = keys;
    return out;
  }

  // The left table's rows as ForeignChangesStep says. Its keys become those of the output.
  Result<PlanParts> foreign_changes(std::vector<std::size_t>& places) {
    const sql::PlanNode& input = *node_.inputs[0];
    std::optional<Keyed> keyed;
    PlanParts parts = TRY(rows_of(cutting_, input, keyed));
    if (parts.keys.empty())
      return fail(ErrorCode::unsupported,
                  "a join by a foreign key of what is itself joined cannot be run yet: make a "
                  "table of the joins before it, and join that");
    read_key(parts);
    std::vector<std::size_t> columns = parts.keys;  // of the input
    const std::vector<bool> used = used_columns(input);
    for (std::size_t i = 0; i < used.size(); ++i)
      if (used[i] && std::ranges::find(parts.keys, i) == parts.keys.end()) columns.push_back(i);
    places.clear();  // a join's key stands behind the columns of both sides
    for (const std::size_t i : columns)
      places.push_back(i < used.size() ? i : node_.schema.columns.size() - 1);

    const std::size_t keys = parts.keys.size();
    parts.keys.assign(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(keys));
    sql::ProjectStep project;
    data::Schema rows, said;
    sql::ForeignChangesStep changes{.types = {step_.left->type}, .keys = keys};
    const auto say = [&said](std::string name, data::Type type) {
      said.columns.push_back({std::move(name), std::move(type), ColumnRole::value});
    };
    rows.columns.push_back({"FOREIGN", step_.left->type, ColumnRole::value});
    project.items.push_back({"FOREIGN", sql::clone(*step_.left)});
    say("FOREIGN", step_.left->type);
    say("ANSWER", data::Type(data::TypeKind::boolean));
    for (std::size_t at = 0; at < columns.size(); ++at) {
      const data::ColumnSchema& column = input.schema.columns[columns[at]];
      const ColumnRole role = at < keys ? ColumnRole::key : ColumnRole::value;
      rows.columns.push_back({column.name, column.type, role});
      project.items.push_back({column.name, column_expr(column.type, columns[at])});
      changes.types.push_back(column.type);
      say(column.name, column.type);
      if (at + 1 != keys) continue;
      say("NUMBER", data::Type(data::TypeKind::bigint));
      say("THERE", data::Type(data::TypeKind::boolean));
    }
    for (const auto& made : {made_node(std::move(project), std::move(rows)),
                             made_node(std::move(changes), std::move(said))}) {
      parts.steps.push_back(made.get());
      parts.schema = &made->schema;
      parts.made.push_back(made);
    }
    return parts;
  }

  // Both sides where the right ones are. What comes out: the left rows without the first two
  // columns, then the right ones' columns.
  PlanParts meet(Side left, Side right, std::size_t keys) {
    JoinParts join{.step = &step_,
                   .left = std::move(left.rows),
                   .right = std::move(right.rows),
                   .schema = nullptr,
                   .window = {},
                   .left_keys = keys};
    data::Schema schema;
    const std::vector<data::ColumnSchema>& columns = left.parts.schema->columns;
    join.left.types.push_back(columns[0].type);
    for (std::size_t i = 2; i < columns.size(); ++i) {
      join.left.types.push_back(columns[i].type);
      join.left.places.push_back(schema.columns.size());
      schema.columns.push_back(columns[i]);
    }
    for (std::size_t& place : join.right.places) {
      const data::ColumnSchema& column = node_.schema.columns[place];
      place = schema.columns.size();
      schema.columns.push_back(column);
    }
    const auto holder = made_node(sql::LimitStep{}, std::move(schema));  // of the schema alone
    join.schema = &holder->schema;
    PlanParts out = joined(std::move(left.parts), std::move(right.parts), std::move(join));
    out.schema = &holder->schema;
    out.made.push_back(holder);
    return out;
  }

  // Ends the stage where rows are by their first columns; returns the one that reads them there.
  PlanParts end_stage(PlanParts stage, std::size_t keys) {
    data::Schema schema = *stage.schema;
    for (std::size_t i = 0; i < schema.columns.size(); ++i)
      schema.columns[i].role = i < keys ? ColumnRole::key : ColumnRole::value;
    const Exchange exchange(cutting_, std::move(schema), sql::SourceKind::stream,
                            ExchangeKind::foreign_key);
    exchange.end(stage);
    cutting_.stages.push_back(std::move(stage));
    return exchange.begin();
  }

  Cutting& cutting_;
  const sql::PlanNode& node_;
  const sql::JoinStep& step_;
  std::optional<Keyed>& keyed_;
};

}  // namespace

// A source, or a join of what is before it.
Result<PlanParts> rows_of(Cutting& cutting, const sql::PlanNode& node,
                          std::optional<Keyed>& keyed) {
  if (const auto* source = std::get_if<sql::SourceStep>(&node.step)) {
    CHECK(node.inputs.empty());
    PlanParts parts = parts_of_source(*source, node.schema);
    if (parts.keys.size() == 1)
      keyed = Keyed{.columns = parts.keys, .format = source->stream.key_format};
    return parts;
  }
  CHECK(std::holds_alternative<sql::JoinStep>(node.step));
  return JoinCut(cutting, node, keyed).make();
}

}  // namespace penstock::engine
