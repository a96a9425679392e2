#include "session/live_effects.h"

#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "engine/query_reset.h"
#include "session/connector_definitions.h"
#include "session/definitions.h"
#include "session/dry_effects.h"
#include "session/properties.h"

namespace penstock::session {

Result<std::optional<topics::TopicSpec>> LiveEffects::topic(const topics::TopicName& name) {
  return topic_in(log_, name);
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
  const bool measured = options_.catalogue == SessionOptions::CatalogueFrom::measured;
  if (journal_ != nullptr && !measured && journal_->state().to_forget().contains(query.id)) {
    TRY(stop_query(query.id, true));
  }
  return runtime_.start_query(engine::QueryId(query.id), query.plan, query.start, query.paused);
}

Result<> LiveEffects::claim_sinks(const std::vector<const PersistentQuery*>& queries,
                                  const std::map<std::string, PersistentQuery>& alive,
                                  bool for_good) {
  if (sinks_ == nullptr) return {};
  std::vector<SinkClaim> claims;
  for (const PersistentQuery* query : queries) {
    if (query->kind == QueryKind::create_as) claims.push_back({query->sink_topic, query->id});
  }
  std::set<std::string> ids;
  for (const auto& [id, query] : alive) ids.insert(id);
  return for_good ? sinks_->claim(claims, ids) : sinks_->check(claims, ids);
}

Result<> LiveEffects::forget_stopped(const std::string& id) {
  if (journal_ == nullptr || options_.shared) return {};  // others may run it still
  const auto ended = journal_->state().to_forget().find(id);
  if (ended == journal_->state().to_forget().end()) return {};
  return engine::forget_tasks(log_, engine::QueryId(id), ended->second);
}

Result<> LiveEffects::stop_query(const std::string& id, bool forget) {
  auto stopped = runtime_.stop_query(engine::QueryId(id), forget);
  if (!stopped && stopped.error().code() != ErrorCode::not_found) return stopped;
  if (!forget) return {};
  if (!stopped) TRY(forget_stopped(id));
  if (sinks_ != nullptr) TRY(sinks_->release(id));
  if (journal_ == nullptr || !journal_->state().to_forget().contains(id)) return {};
  TRY(journal_->append(
      {{.kind = Accepted::Kind::forgotten, .name = {}, .query_id = id, .statement = {}}}));
  return {};
}

Result<> LiveEffects::start_connector(const World& world, const Connector& connector) {
  const bool measured = options_.catalogue == SessionOptions::CatalogueFrom::measured;
  const std::string id = engine::ConnectorSpec::connector_id(connector.name).value();
  if (journal_ != nullptr && !measured && journal_->state().to_forget().contains(id))
    TRY(stop_query(id, true));
  engine::ConnectorSpec spec = TRY(spec_of(world, connector, options_, *this));
  return connectors_.start(std::move(spec), connector.paused);
}

Result<> LiveEffects::stop_connector(const std::string& name, bool forget) {
  auto stopped = connectors_.stop(name, forget);
  if (!stopped && stopped.error().code() != ErrorCode::not_found) return stopped;
  const std::string id = engine::ConnectorSpec::connector_id(name).value();
  if (!forget || journal_ == nullptr || !journal_->state().to_forget().contains(id)) return {};
  if (!stopped) TRY(forget_stopped(id));
  TRY(journal_->append(
      {{.kind = Accepted::Kind::forgotten, .name = {}, .query_id = id, .statement = {}}}));
  return {};
}

Result<> LiveEffects::insert_row(const sql::InsertValues& row,
                                 const std::optional<Accepted>& once) {
  if (!once || journal_ == nullptr) return inserter_.insert(row);
  bool again = false;
  auto done = journal_->append({*once}, [&](topics::Commit& commit) -> Result<> {
    if (std::exchange(again, true)) inserter_.forget(row.target.name);
    return inserter_.append(row, commit);
  });
  if (done) return {};
  inserter_.forget(row.target.name);
  return fail(done.error().in(fmt::format("inserting into '{}'", row.target.name)));
}

Result<> LiveEffects::record(const std::vector<Accepted>& statements) {
  for (const Accepted& statement : statements) {
    if (!statement.name.empty()) inserter_.forget(statement.name);
  }
  if (journal_ == nullptr) return {};
  TRY(journal_->append(statements));
  return {};
}

namespace {

// What an entry makes or ends, for telling whether a later one has to do with the same.
std::string subject_of(const Accepted& statement) {
  using Kind = Accepted::Kind;
  const bool stream = statement.kind == Kind::create || statement.kind == Kind::drop;
  const bool type = statement.kind == Kind::create_type || statement.kind == Kind::drop_type;
  const bool connector =
      statement.kind == Kind::create_connector || statement.kind == Kind::drop_connector;
  if (connector) return "connector " + statement.name;
  if (type) return "type " + statement.name;
  return stream ? "stream " + statement.name : "query " + statement.query_id;
}

Result<> replay_definition(const JournalEntry& entry, topics::Log& log,
                           const SessionOptions& options, World& world) {
  DryEffects nothing(log);
  const Accepted& accepted = entry.statement;
  const DefinitionContext context{.world = world,
                                  .effects = nothing,
                                  .keys = nullptr,
                                  .options = options,
                                  .properties = accepted.properties,
                                  .again = Again::refused,
                                  .origin = accepted.origin,
                                  .replayed = &accepted};
  auto statement = TRY(sql::prepare_statement({.text = accepted.statement, .line = 1},
                                              world.catalogue, engine::builtin_functions(),
                                              TRY(defaults_of(accepted.properties))));
  if (!is_definition(statement)) {
    return fail(ErrorCode::corrupt, "the record's statement defines nothing");
  }
  TRY(apply(context, statement));
  return {};
}

}  // namespace

World replay(const StatementJournal& journal, topics::Log& log, const SessionOptions& options) {
  using Kind = Accepted::Kind;
  World world;
  std::map<std::string, std::pair<std::int64_t, Error>> left_out;  // by subject
  for (const JournalEntry& entry : journal.entries()) {
    const Accepted& accepted = entry.statement;
    const bool defines = accepted.kind == Kind::create || accepted.kind == Kind::create_as ||
                         accepted.kind == Kind::insert || accepted.kind == Kind::create_type ||
                         accepted.kind == Kind::create_connector;
    const bool ends = accepted.kind == Kind::drop || accepted.kind == Kind::terminate ||
                      accepted.kind == Kind::drop_type || accepted.kind == Kind::drop_connector;
    if (defines || ends) left_out.erase(subject_of(accepted));
    world.next_sequence = entry.number;
    if (accepted.kind == Kind::drop) {
      world.catalogue.erase(accepted.name);
      world.stream_origins.erase(accepted.name);
    } else if (accepted.kind == Kind::drop_type) {
      world.catalogue.erase_type(accepted.name);
    } else if (accepted.kind == Kind::drop_connector) {
      world.connectors.erase(accepted.name);
    } else if (accepted.kind == Kind::pause_connector || accepted.kind == Kind::resume_connector) {
      const auto connector = world.connectors.find(accepted.name);
      if (connector != world.connectors.end())
        connector->second.paused = accepted.kind == Kind::pause_connector;
    } else if (accepted.kind == Kind::terminate) {
      world.queries.erase(accepted.query_id);
    } else if (accepted.kind == Kind::pause || accepted.kind == Kind::resume) {
      const auto query = world.queries.find(accepted.query_id);
      if (query != world.queries.end()) query->second.paused = accepted.kind == Kind::pause;
    } else if (defines) {
      if (auto done = replay_definition(entry, log, options, world); !done) {
        left_out.emplace(subject_of(accepted), std::pair(entry.number, done.error()));
      }
    }
    world.next_sequence = entry.number + 1;
  }
  for (const auto& [subject, why] : left_out) {
    log::warning("recorded_statement_left_out",
                 {{"number", why.first}, {"of", log::Public(subject)}, {"reason", why.second}});
  }
  world.known = journal.known_queries();
  return world;
}

}  // namespace penstock::session
