// Statements that end, pause and resume persistent queries.
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "session/definition_steps.h"
#include "session/query_ids.h"

namespace penstock::session {

const PersistentQuery* creator_of(const World& world, std::string_view name) {
  for (const auto& [id, query] : world.queries)
    if (query.kind == QueryKind::create_as && query.sink == name) return &query;
  return nullptr;
}

Result<> stop(const DefinitionContext& context, const std::string& id) {
  auto stopped = context.effects.stop_query(id, true);
  context.world.queries.erase(id);
  context.world.known.erase(id);
  if (stopped) return {};
  return fail(stopped.error().in(
      "the query has ended, but its positions are not forgotten yet; the next start does that"));
}

Result<Accepted> end_of(const PersistentQuery& query, const std::string& text,
                        const DefinitionContext& context) {
  return Accepted{.kind = Accepted::Kind::terminate,
                  .name = {},
                  .query_id = query.id,
                  .statement = text,
                  .origin = context.origin,
                  .tasks = TRY(tasks_of(*query.plan, context.effects))};
}

namespace {

// Whom TERMINATE, PAUSE or RESUME mean. Empty: nobody, and that is no mistake.
Result<std::vector<std::string>> meant_by(const DefinitionContext& context,
                                          const std::optional<std::string>& named) {
  std::vector<std::string> ids;
  if (named) {
    const PersistentQuery* query = find_query(context.world, *named);
    if (query == nullptr && context.repeated) return ids;
    if (query == nullptr) {
      return fail(ErrorCode::not_found,
                  fmt::format("Unknown queryId: {}. SHOW QUERIES lists those that run.", *named));
    }
    ids.push_back(query->id);
  } else {
    for (const auto& [id, query] : context.world.queries) ids.push_back(id);
  }
  std::erase_if(ids, [&](const std::string& id) {
    return context.spares_files && context.world.queries.at(id).origin == Origin::file;
  });
  return ids;
}

}  // namespace

Result<CommandResult> terminate(const DefinitionContext& context, const std::string& text,
                                const sql::TerminateStatement& terminate) {
  const std::vector<std::string> ids = TRY(meant_by(context, terminate.query_id));
  const bool one = terminate.query_id.has_value();
  if (one && ids.empty()) {
    return CommandResult{.command_id = fmt::format("terminate/{}/execute", *terminate.query_id),
                         .message = "The query does not exist, or is of a newer configuration.",
                         .query_id = {},
                         .warning = true};
  }
  CommandResult result{.command_id = fmt::format("terminate/{}/execute", one ? ids[0] : "ALL"),
                       .message = one ? "Query terminated." : "All queries terminated.",
                       .query_id = one ? ids[0] : std::string()};
  std::vector<Accepted> ends;
  for (const std::string& id : ids) {
    ends.push_back(TRY(end_of(context.world.queries.at(id), text, context)));
  }
  TRY(context.effects.record(ends));
  Result<> all;
  for (const std::string& id : ids) {
    const Result<> stopped = stop(context, id);
    result.sequence = accept(context);
    if (!stopped && all) all = stopped;
  }
  TRY(std::move(all));
  return result;
}

Result<CommandResult> pause(const DefinitionContext& context, const std::string& text,
                            const sql::PauseStatement& pause) {
  if (context.topics_later && !context.repeated) {
    return fail(
        ErrorCode::failed_precondition,
        "PAUSE and RESUME stand in a file, which would do so at every start. Take them out; "
        "`penstock sql` pauses and resumes, and it holds over restarts.");
  }
  std::vector<std::string> ids = TRY(meant_by(context, pause.query_id));
  std::vector<Accepted> records;
  for (const std::string& id : ids) {
    records.push_back({.kind = pause.pause ? Accepted::Kind::pause : Accepted::Kind::resume,
                       .name = {},
                       .query_id = id,
                       .statement = text,
                       .origin = context.origin});
  }
  TRY(context.effects.record(records));
  const bool one = pause.query_id.has_value();
  CommandResult result{.command_id = fmt::format("{}/{}/execute", pause.pause ? "pause" : "resume",
                                                 one ? upper(*pause.query_id) : "ALL"),
                       .message = fmt::format("{} {}.", one ? "Query" : "All queries",
                                              pause.pause ? "paused" : "resumed"),
                       .query_id = one && !ids.empty() ? ids[0] : std::string(),
                       .sequence = -1,
                       .warning = ids.empty()};
  for (const std::string& id : ids) {
    PersistentQuery& query = context.world.queries.at(id);
    result.sequence = accept(context);
    if (std::exchange(query.paused, pause.pause) == pause.pause && pause.pause) continue;
    const Result<> done = context.effects.pause_query(id, pause.pause);
    // One that has failed does not run anyway, and stays paused when it is started again.
    if (done || (pause.pause && done.error().code() == ErrorCode::failed_precondition)) continue;
    return fail(done.error().in(fmt::format("query {}", id)));
  }
  return result;
}

}  // namespace penstock::session
