#include "engine/joined_partitions.h"

#include <fmt/format.h>

namespace penstock::engine {
namespace {

// By whose partitions a node's rows lie.
const sql::SourceInfo& leading_source(const sql::PlanNode& node) {
  const auto* step = std::get_if<sql::SourceStep>(&node.step);
  return step != nullptr ? step->stream : leading_source(*node.inputs.front());
}

}  // namespace

CountPartitions partitions_in(topics::Log& log) {
  return [&log](const sql::SourceInfo& source) -> Result<std::optional<std::int32_t>> {
    return TRY(log.describe(TRY(topics::TopicName::parse(source.topic)))).spec.partitions;
  };
}

Result<> check_joined_partitions(const sql::PlanNode& plan, const CountPartitions& count) {
  for (const sql::PlanPtr& input : plan.inputs) TRY(check_joined_partitions(*input, count));
  const auto* join = std::get_if<sql::JoinStep>(&plan.step);
  if (join == nullptr || join->shape == sql::JoinShape::foreign_key) return {};
  const sql::SourceInfo& left = leading_source(*plan.inputs[0]);
  const sql::SourceInfo& right = leading_source(*plan.inputs[1]);
  const auto left_count = TRY(count(left));
  const auto right_count = TRY(count(right));
  if (!left_count || !right_count || *left_count == *right_count) return {};
  return fail(
      ErrorCode::failed_precondition,
      fmt::format("Can't join `{0}` with `{1}` since the number of partitions don't match. "
                  "`{0}` partitions = {2}; `{1}` partitions = {3}. Please repartition either "
                  "one so that the number of partitions match: CREATE STREAM ... WITH "
                  "(PARTITIONS={2}) AS SELECT ... copies `{1}`.",
                  left.name, right.name, *left_count, *right_count));
}

}  // namespace penstock::engine
