#include "session/live_effects.h"

#include <map>
#include <set>

#include <fmt/format.h>

#include "session/definitions.h"
#include "session/dry_effects.h"
#include "session/query_ids.h"
#include "session/statement_text.h"

namespace penstock::session {

Result<std::optional<std::int32_t>> LiveEffects::partitions(const topics::TopicName& topic) {
  return partitions_in(log_, topic);
}

Result<> LiveEffects::create_topic(const topics::TopicSpec& spec) {
  auto made = log_.create(spec);
  // Another process may have made it in between.
  if (!made && made.error().code() != ErrorCode::already_exists) return made;
  return {};
}

Result<> LiveEffects::remove_topic(const topics::TopicName& topic) {
  return log_.remove(topic);
}

Result<> LiveEffects::start_query(const PersistentQuery& query) {
  return runtime_.start_query(engine::QueryId(query.id), query.plan, query.start);
}

Result<> LiveEffects::stop_query(const std::string& id, bool forget) {
  auto stopped = runtime_.stop_query(engine::QueryId(id), forget);
  if (!stopped && stopped.error().code() != ErrorCode::not_found) return stopped;
  return {};
}

Result<> LiveEffects::insert_row(const sql::InsertValues& row) {
  return inserter_.insert(row);
}

Result<> LiveEffects::record(const Accepted& statement) {
  if (!statement.name.empty()) inserter_.forget(statement.name);
  return journal_ != nullptr ? journal_->append(statement) : Result<>();
}

Result<World> replay(const StatementJournal& journal, topics::Log& log,
                     const SessionOptions& options) {
  World world;
  DryEffects nothing(log);
  const std::set<std::string> no_script;
  for (const JournalEntry& entry : journal.entries()) {
    const Accepted& accepted = entry.statement;
    if (accepted.kind == Accepted::Kind::proved) continue;  // what it did has records of its own
    world.next_sequence = entry.number;
    if (accepted.kind == Accepted::Kind::drop) {
      world.catalogue.erase(accepted.name);
    } else if (accepted.kind == Accepted::Kind::reset) {
      // The log's checkpoints have it.
    } else if (accepted.kind == Accepted::Kind::terminate) {
      world.queries.erase(accepted.query_id);
      world.known.erase(accepted.query_id);
    } else {
      const DefinitionContext context{.world = world,
                                      .effects = nothing,
                                      .keys = nullptr,
                                      .options = options,
                                      .properties = accepted.properties,
                                      .again = Again::refused,
                                      .script = no_script,
                                      .replayed = &accepted};
      const std::string what = fmt::format("replaying statement {} ({})", entry.number,
                                           canonical_text(accepted.statement));
      auto statement = TRY_IN(sql::prepare_statement({.text = accepted.statement, .line = 1},
                                                     world.catalogue, engine::builtin_functions()),
                              what);
      TRY_IN(apply(context, statement), what);
    }
    world.next_sequence = entry.number + 1;
  }
  const std::map<std::string, KnownQuery> known = journal.known_queries();
  for (const auto& [id, query] : world.queries) {
    if (const auto at = known.find(id); at != known.end()) {
      TRY(check_same_plan(at->second, *query.plan));
    }
  }
  return world;
}

}  // namespace penstock::session
