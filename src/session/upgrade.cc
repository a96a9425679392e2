#include "session/upgrade.h"

#include <fmt/format.h>

#include "base/check.h"
#include "engine/plan_digest.h"
#include "session/statement_text.h"

namespace penstock::session {
namespace {

constexpr std::string_view kBothWays =
    "Say what becomes of its positions: with ON_CHANGE='continue' in its WITH (...) it goes on "
    "from them, with ON_CHANGE='restart' they are forgotten and it reads from the start.";
constexpr std::string_view kRestartAlone =
    "Its positions mean nothing to the new one: with ON_CHANGE='restart' in its WITH (...) they "
    "are forgotten and it reads from the start.";

std::vector<std::string> source_topics(const sql::PlanNode& plan) {
  std::vector<std::string> out;
  for (const sql::StreamInfo* source : sources_of(plan)) out.push_back(source->topic);
  std::ranges::sort(out);
  return out;
}

bool rekeys(const sql::PlanNode& plan) {
  if (std::holds_alternative<sql::RekeyStep>(plan.step)) return true;
  return std::ranges::any_of(plan.inputs, [](const auto& input) { return rekeys(*input); });
}

// Why not; empty: the columns that were are there first, and further ones are values.
std::string columns_differ(const data::Schema& old, const data::Schema& now) {
  for (std::size_t i = 0; i < old.columns.size(); ++i) {
    const data::ColumnSchema& was = old.columns[i];
    if (i >= now.columns.size()) return fmt::format("column {} is missing", was.name);
    const data::ColumnSchema& is = now.columns[i];
    if (is.name != was.name || is.role != was.role) {
      return fmt::format("column {} has become {}", was.name, is.name);
    }
    if (is.type.text() != was.type.text()) {
      return fmt::format("column {} was {} and is {}", was.name, was.type.text(), is.type.text());
    }
  }
  for (std::size_t i = old.columns.size(); i < now.columns.size(); ++i) {
    if (now.columns[i].role == data::ColumnRole::key) {
      return fmt::format("key column {} is new", now.columns[i].name);
    }
  }
  return {};
}

std::string formats_differ(const sql::StreamInfo& old, const sql::StreamInfo& now) {
  if (old.topic != now.topic) {
    return fmt::format("it wrote topic '{}' and writes '{}'", old.topic, now.topic);
  }
  if (old.key_format != now.key_format || old.value_format != now.value_format ||
      old.value_delimiter != now.value_delimiter) {
    return fmt::format("the format of topic '{}' has changed", now.topic);
  }
  if (old.seal.kind != now.seal.kind || old.seal.policy != now.seal.policy)
    return fmt::format("the sealing of topic '{}' has changed", now.topic);
  return {};
}

// What a plan keeps state for, step by step.
void stateful_steps(const sql::PlanNode& plan, std::vector<std::string>& out) {
  if (std::holds_alternative<sql::AggregateStep>(plan.step) ||
      std::holds_alternative<sql::JoinStep>(plan.step))
    out.push_back(sql::step_text(plan));
  for (const sql::PlanPtr& input : plan.inputs) stateful_steps(*input, out);
}

// Its state would be of other groups, windows or joins.
std::string state_differs(const sql::PlanNode& old, const sql::PlanNode& now) {
  std::vector<std::string> was, is;
  stateful_steps(old, was);
  stateful_steps(now, is);
  if (was.size() != is.size()) return "it has other aggregations or joins";
  for (std::size_t i = 0; i < was.size(); ++i)
    if (was[i] != is[i])
      return fmt::format("its state is of another step\n  it was: {}\n  now:    {}", was[i], is[i]);
  return {};
}

// Why CREATE OR REPLACE's rules do not let one plan follow the other; empty: they do.
std::string differs(const sql::PlanNode& old, const sql::PlanNode& now) {
  const sql::StreamInfo& was = sink_of(old)->stream;
  const sql::StreamInfo& is = sink_of(now)->stream;
  if (source_topics(old) != source_topics(now)) return "it reads other topics";
  if (std::string why = formats_differ(was, is); !why.empty()) return why;
  if (rekeys(old) != rekeys(now)) return "its records get other keys";
  if (std::string why = columns_differ(was.schema, is.schema); !why.empty()) return why;
  return state_differs(old, now);
}

}  // namespace

Error query_changed(const KnownQuery& known, std::string_view now, std::string_view why,
                    std::string_view advice) {
  return Error(
      ErrorCode::failed_precondition,
      fmt::format("Query '{}' was made by another statement, and its positions belong to "
                  "that one ({}).\n  it was: {}\n  now:    {}\n{}",
                  known.id, why, canonical_text(known.statement), canonical_text(now), advice));
}

Result<Upgrade> upgrade_of(const EarlierQuery& earlier, const PersistentQuery& now) {
  CHECK(now.plan != nullptr);
  if (earlier.known.plan == engine::plan_digest(*now.plan)) return Upgrade::none;
  if (now.on_change == sql::OnChange::restart) return Upgrade::restart;
  std::string why = "another version of Penstock planned it";
  bool same_sources = true;
  if (earlier.plan != nullptr) {
    const bool planned_here = earlier.known.plan == engine::plan_digest(*earlier.plan);
    if (planned_here) why = differs(*earlier.plan, *now.plan);
    if (planned_here && why.empty()) return Upgrade::go_on;
    same_sources = source_topics(*earlier.plan) == source_topics(*now.plan);
  }
  if (same_sources && now.on_change == sql::OnChange::go_on) return Upgrade::go_on;
  return fail(
      query_changed(earlier.known, now.statement, why, same_sources ? kBothWays : kRestartAlone));
}

}  // namespace penstock::session
