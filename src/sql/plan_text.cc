// Plans as EXPLAIN shows them.

#include <fmt/format.h>

#include "sql/name_text.h"
#include "sql/plan.h"
#include "sql/scope.h"

namespace penstock::sql {
namespace {

std::vector<std::string> names_of(const data::Schema& schema) {
  std::vector<std::string> names;
  for (const data::ColumnSchema& column : schema.columns) names.push_back(column.name);
  return names;
}

template <typename Range, typename Text>
std::string joined(const Range& range, Text text) {
  std::string all;
  for (const auto& item : range) {
    const std::string one = text(item);
    if (!all.empty() && !one.empty()) all += ", ";
    all += one;
  }
  return all;
}

// What is not as it is by default.
std::string details_text(const SourceInfo& source) {
  std::string text;
  if (source.window) {
    text += fmt::format(", windows {}", name_of(source.window->kind));
    if (source.window->size_ms) text += fmt::format(" of {} ms", *source.window->size_ms);
  }
  if (source.key_delimiter != ",")
    text += fmt::format(", key delimiter '{}'", source.key_delimiter);
  if (source.value_delimiter != ",")
    text += fmt::format(", value delimiter '{}'", source.value_delimiter);
  if (source.timestamp_format) text += fmt::format(", time format '{}'", *source.timestamp_format);
  if (source.wrap_single_value) text += *source.wrap_single_value ? ", wrapped" : ", unwrapped";
  if (source.on_error == OnError::dead_letter) text += ", errors to dead letters";
  if (source.on_error == OnError::stop) text += ", errors stop";
  if (source.strict_time) text += ", strict times";
  return text;
}

std::string stream_text(const StreamInfo& stream) {
  const std::string seal = stream.seal.kind == SealKind::none
                               ? "plain"
                               : fmt::format("sealed psr1 by policy '{}'", stream.seal.policy);
  const std::string_view headers = !stream.headers                       ? ""
                                   : *stream.headers == HeaderRule::pass ? ", headers pass"
                                                                         : ", headers drop";
  return fmt::format("{}{} (topic '{}', key {}, value {}, {}{}{})",
                     stream.is_table() ? "table " : "", name_text(stream.name), stream.topic,
                     name_of(stream.key_format), name_of(stream.value_format), seal, headers,
                     details_text(stream));
}

std::string step_text(const SourceStep& step, const PlanNode& node) {
  std::string reads;
  for (std::size_t i = 0; i < node.schema.columns.size(); ++i) {
    if (i < step.used.size() && !step.used[i]) continue;
    reads += fmt::format("{}{}", reads.empty() ? "" : ", ", name_text(node.schema.columns[i].name));
  }
  const std::string time =
      step.stream.timestamp_column
          ? fmt::format(", timestamp {}", name_text(*step.stream.timestamp_column))
          : std::string();
  return fmt::format("Source {}{}: reads {}", stream_text(step.stream), time,
                     reads.empty() ? "no column" : reads);
}

std::string step_text(const FilterStep& step, const PlanNode& node) {
  return fmt::format("Filter {}", to_text(*step.predicate, names_of(node.inputs.front()->schema)));
}

std::string step_text(const ProjectStep& step, const PlanNode& node) {
  const std::vector<std::string> names = names_of(node.inputs.front()->schema);
  return "Project " + joined(step.items, [&](const ProjectStep::Item& item) {
           const std::string text = to_text(*item.expr, names);
           const std::string name = name_text(item.name);
           return text == name ? name : fmt::format("{} AS {}", text, name);
         });
}

std::string items_text(const std::vector<ProjectStep::Item>& items, const PlanNode& node) {
  const std::vector<std::string> names = names_of(node.inputs.front()->schema);
  return joined(items, [&](const ProjectStep::Item& item) {
    return fmt::format("{} AS {}", to_text(*item.expr, names), name_text(item.name));
  });
}

std::string step_text(const ExplodeStep& step, const PlanNode& node) {
  return "Explode " + items_text(step.calls, node);
}

std::string step_text(const AggregateStep& step, const PlanNode& node) {
  std::string window;
  if (step.window) {
    window =
        fmt::format(" in {} windows of {} ms", name_of(step.window->kind), step.window->size_ms);
    if (step.window->kind == WindowKind::hopping)
      window += fmt::format(" every {} ms", step.window->advance_ms);
    if (step.window->grace_ms) window += fmt::format(", grace {} ms", *step.window->grace_ms);
    if (step.window->retention_ms)
      window += fmt::format(", retention {} ms", *step.window->retention_ms);
  }
  std::string limits;
  if (step.limits.list) limits += fmt::format(", lists of {}", *step.limits.list);
  if (step.limits.set) limits += fmt::format(", sets of {}", *step.limits.set);
  return fmt::format("Aggregate {} by {}{}{}{}", items_text(step.aggregates, node),
                     items_text(step.keys, node), window, step.emit_final ? ", final" : "", limits);
}

std::string_view word_of(JoinKind kind) {
  switch (kind) {
    case JoinKind::inner:
      return "inner";
    case JoinKind::left:
      return "left";
    case JoinKind::right:
      return "right";
    case JoinKind::full:
      break;
  }
  return "full";
}

std::string_view word_of(JoinShape shape) {
  switch (shape) {
    case JoinShape::stream_stream:
      return "stream-stream";
    case JoinShape::stream_table:
      return "stream-table";
    case JoinShape::table_table:
      return "table-table";
    case JoinShape::foreign_key:
      break;
  }
  return "foreign-key";
}

std::string step_text(const JoinStep& step, const PlanNode& node) {
  std::string text = fmt::format("Join {} {} on {} = {}", word_of(step.kind), word_of(step.shape),
                                 to_text(*step.left, names_of(node.inputs[0]->schema)),
                                 to_text(*step.right, names_of(node.inputs[1]->schema)));
  if (step.before_ms)
    text += fmt::format(" within {} ms before, {} ms after", *step.before_ms, *step.after_ms);
  if (step.grace_ms) text += fmt::format(", grace {} ms", *step.grace_ms);
  return text;
}

std::string step_text(const RekeyStep&, const PlanNode& node) {
  const std::string keys = joined(node.schema.columns, [](const data::ColumnSchema& column) {
    return column.role == data::ColumnRole::key ? name_text(column.name) : std::string();
  });
  return keys.empty() ? "Rekey to no key" : "Rekey by " + keys;
}

std::string step_text(const ForeignChangesStep&, const PlanNode&) {
  return "ForeignChanges";
}

std::string step_text(const ForeignResultStep&, const PlanNode&) {
  return "ForeignResult";
}

std::string step_text(const ChangesStep&, const PlanNode&) {
  return "Changes";
}

std::string step_text(const LimitStep& step, const PlanNode&) {
  return fmt::format("Limit {}", step.rows);
}

std::string step_text(const SinkStep& step, const PlanNode& node) {
  return fmt::format("Sink {}: {}", stream_text(step.stream), node.schema.text());
}

void append(const PlanNode& node, std::size_t level, std::string& text) {
  text.append(level * 2, ' ');
  text += sql::step_text(node);
  text += '\n';
  for (const PlanPtr& input : node.inputs) append(*input, level + 1, text);
}

}  // namespace

std::string step_text(const PlanNode& node) {
  return std::visit([&](const auto& step) { return step_text(step, node); }, node.step);
}

std::string to_text(const PlanNode& plan) {
  std::string text;
  append(plan, 0, text);
  return text;
}

}  // namespace penstock::sql
