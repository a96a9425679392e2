#include "session/restart.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "session/connector_definitions.h"
#include "session/definition_steps.h"
#include "session/dry_effects.h"
#include "session/query_ids.h"
#include "session/statement_text.h"
#include "session/topic_rules.h"

namespace penstock::session {
namespace {

bool is_query(const Accepted& statement) {
  return statement.kind == Accepted::Kind::create_as || statement.kind == Accepted::Kind::insert;
}

bool is_connector(const Accepted& statement) {
  return statement.kind == Accepted::Kind::create_connector;
}

bool is_left(const World& world, const Accepted& one) {
  if (is_query(one)) {
    const auto query = world.queries.find(one.query_id);
    return query != world.queries.end() && query->second.statement == one.statement;
  }
  if (one.kind == Accepted::Kind::create_type) {
    const auto type = world.catalogue.types().find(one.name);
    return type != world.catalogue.types().end() && type->second.statement == one.statement;
  }
  if (one.kind == Accepted::Kind::create_connector) {
    const auto connector = world.connectors.find(one.name);
    return connector != world.connectors.end() && connector->second.statement == one.statement;
  }
  const sql::StreamInfo* stream = world.catalogue.find(one.name);
  return one.kind == Accepted::Kind::create && stream != nullptr &&
         stream->statement == one.statement;
}

// Of each stream and query the last statement, if the world still has what it made.
std::vector<Accepted> what_is_left(const World& world, const std::vector<Accepted>& accepted) {
  std::vector<Accepted> out;
  std::set<std::pair<Accepted::Kind, std::string>> seen;
  for (auto one = accepted.rbegin(); one != accepted.rend(); ++one) {
    const std::string& key = is_query(*one) ? one->query_id : one->name;
    if (seen.emplace(one->kind, key).second && is_left(world, *one)) out.push_back(*one);
  }
  std::ranges::reverse(out);
  return out;
}

Result<> make_topics_of_connectors(const Realised& how, const World& now, bool sources) {
  for (const auto& [name, connector] : now.connectors) {
    if (connector.source != sources) continue;
    TRY_IN(ensure_connector_topics(now, connector, how.options, how.effects),
           fmt::format("taking up connector {}", name));
  }
  return {};
}

// Sources make theirs first: a stream over one may leave the number of partitions to it. (How it is
// sealed, the streams of `now` say already.)
Result<> make_topics(const Realised& how, const World& now, const std::vector<Accepted>& left) {
  TRY(make_topics_of_connectors(how, now, /*sources=*/true));
  for (const Accepted& one : left) {
    if (one.kind == Accepted::Kind::create_type || is_connector(one)) continue;
    const Result<> made = is_query(one)
                              ? ensure_sink_topics(*now.queries.at(one.query_id).plan,
                                                   how.options.sink_partitions, how.effects)
                              : ensure_topics(*now.catalogue.find(one.name),
                                              how.options.default_partitions, how.effects);
    TRY_IN(made, fmt::format("taking up '{}'", canonical_text(one.statement)));
  }
  return make_topics_of_connectors(how, now, /*sources=*/false);
}

// How many tasks there may be to forget, of a query that does not run.
Result<std::int32_t> tasks_before(const World& before, const std::string& id, Effects& effects) {
  if (const auto query = before.queries.find(id); query != before.queries.end()) {
    return tasks_of(*query->second.plan, effects);
  }
  const auto known = before.known.find(id);
  if (known == before.known.end()) return 0;
  const sql::StreamInfo* sink = before.catalogue.find(known->second.sink);
  if (sink == nullptr) return 0;
  const auto topic = TRY(effects.topic(TRY(topics::TopicName::parse(sink->topic))));
  return topic ? topic->partitions : 0;
}

// Records of what ends, in front of those of what begins.
Result<std::vector<Accepted>> records_of(const Realised& how, const std::vector<Change>& changes,
                                         const World& before, const World& now,
                                         const std::vector<Accepted>& left) {
  std::vector<Accepted> out;
  for (const Change& change : changes) {
    if (change.kind != Change::Kind::ended && change.kind != Change::Kind::restarted) continue;
    out.push_back({.kind = Accepted::Kind::terminate,
                   .name = {},
                   .query_id = change.query_id,
                   .statement = change.now,
                   .origin = Origin::file,
                   .tasks = TRY(tasks_before(before, change.query_id, how.effects))});
  }
  for (const Change& change : changes) {
    if (change.kind != Change::Kind::dropped) continue;
    if (!change.connector.empty()) {
      out.push_back(TRY(end_of_connector(before, before.connectors.at(change.connector), {},
                                         Origin::file, how.options, how.effects)));
      continue;
    }
    out.push_back({.kind = Accepted::Kind::drop,
                   .name = change.stream,
                   .query_id = {},
                   .statement = {},
                   .origin = Origin::file});
  }
  for (const Accepted& one : left) {
    out.push_back(one);
    if (is_connector(one) && now.connectors.at(one.name).paused && !how.journal.state().has(one))
      out.push_back({.kind = Accepted::Kind::pause_connector,  // still, as a query's below
                     .name = one.name,
                     .query_id = {},
                     .statement = {},
                     .origin = Origin::file});
    const auto query = is_query(one) ? now.queries.find(one.query_id) : now.queries.end();
    if (query == now.queries.end() || !query->second.paused) continue;
    if (how.journal.state().has(one)) continue;
    out.push_back({.kind = Accepted::Kind::pause,  // still: the new record would resume it
                   .name = {},
                   .query_id = one.query_id,
                   .statement = {},
                   .origin = Origin::file});
  }
  if (how.configuration.empty()) return out;
  out.push_back({.kind = Accepted::Kind::configuration,
                 .name = {},
                 .query_id = {},
                 .statement = text_of(changes),
                 .origin = Origin::file,
                 .key = how.configuration});
  return out;
}

// Paused by a statement, and so until one resumes it; a signed one says so itself.
void keep_paused(const Realised& how, const std::vector<Change>& changes, const World& before,
                 World& now) {
  if (how.options.catalogue == SessionOptions::CatalogueFrom::measured) return;
  for (auto& [id, query] : now.queries) {
    const auto old = before.queries.find(id);
    if (old != before.queries.end() && old->second.paused) query.paused = true;
  }
  for (auto& [name, connector] : now.connectors) {
    const auto old = before.connectors.find(name);
    if (old != before.connectors.end() && old->second.paused) connector.paused = true;
  }
  for (const Change& change : changes) {
    if (change.kind == Change::Kind::restarted) now.queries.at(change.query_id).paused = false;
  }
}

// What was recorded as ended and is not forgotten yet: of this start, or of a process that died.
// In a measured session the records may be the host's invention: what runs is never forgotten.
Result<> forget_ended(const Realised& how, const World& now) {
  const bool measured = how.options.catalogue == SessionOptions::CatalogueFrom::measured;
  const std::map<std::string, std::int32_t> ended = how.journal.state().to_forget();
  for (const auto& [id, tasks] : ended) {
    const bool runs = std::ranges::any_of(now.connectors, [&](const auto& connector) {
      return engine::ConnectorSpec::connector_id(connector.first).value() == id;
    });
    if (measured && (runs || now.queries.contains(id))) continue;
    TRY_IN(how.effects.stop_query(id, true), fmt::format("forgetting query {}, which ended", id));
  }
  return {};
}

Result<> start_one(const Realised& how, const PersistentQuery& query) {
  for (const sql::StreamInfo* source : sources_of(*query.plan)) {
    TRY(check_seal(*source, how.keys, Use::read));
  }
  TRY(check_seal(sink_of(*query.plan)->stream, how.keys, Use::write));
  return how.effects.start_query(query);
}

// Also that no two of the queries write one topic, of which nobody is told yet.
Result<> claim_all(const Realised& how, const World& now, bool for_good) {
  std::vector<const PersistentQuery*> queries;
  for (const auto& [id, query] : now.queries) queries.push_back(&query);
  return how.effects.claim_sinks(queries, now.queries, for_good);
}

// Queries of statements first, then those of the files in their order.
Result<> start_all(const Realised& how, const World& now, const std::vector<Accepted>& left) {
  std::set<std::string> started;
  const auto start = [&](const std::string& id) -> Result<> {
    if (!started.insert(id).second) return {};
    TRY_IN(start_one(how, now.queries.at(id)), fmt::format("taking up query {}", id));
    return {};
  };
  std::set<std::string> files;
  for (const Accepted& one : left) {
    if (is_query(one)) files.insert(one.query_id);
  }
  for (const auto& [id, query] : now.queries) {
    if (!files.contains(id)) TRY(start(id));
  }
  for (const Accepted& one : left) {
    if (is_query(one)) TRY(start(one.query_id));
  }
  for (const auto& [name, connector] : now.connectors) {
    TRY_IN(check_connector(now, connector, how.options, how.keys, /*resolve=*/false),
           fmt::format("taking up connector {}", name));
    TRY_IN(how.effects.start_connector(now, connector),
           fmt::format("taking up connector {}", name));
  }
  return {};
}

Result<> insert_rows(const Realised& how, const World& now, const GatheredEffects& gathered) {
  for (const GatheredEffects::Row& row : gathered.rows()) {
    if (now.catalogue.find(row.row.target.name) == nullptr) continue;
    if (row.once && how.journal.state().has(*row.once)) continue;
    TRY(ensure_topics(row.row.target, std::nullopt, how.effects));
    TRY(how.effects.insert_row(row.row, row.once));
  }
  return {};
}

// Of files: once, as rows. A process that dies in between does it again.
Result<> reset_positions_of(const Realised& how, const GatheredEffects& gathered) {
  for (const GatheredEffects::Reset& reset : gathered.resets()) {
    if (how.journal.state().has(reset.once)) continue;
    TRY(how.effects.reset_query(reset.query_id, reset.to));
    TRY(how.effects.record({reset.once}));
  }
  return {};
}

void tell(const std::vector<Change>& changes, bool first) {
  if (first) return;
  for (const Change& change : changes) {
    if (is_shown_by_another(change, changes)) continue;
    log::info("configuration_change", {{"change", log::Public(title_of(change))},
                                       {"was", log::Public(canonical_text(change.was))},
                                       {"now", log::Public(canonical_text(change.now))}});
  }
}

}  // namespace

Result<std::optional<topics::TopicSpec>> GatheredEffects::topic(const topics::TopicName& name) {
  if (log_ == nullptr) return topics::TopicSpec{.name = name};
  return topic_in(*log_, name);
}

Result<> GatheredEffects::insert_row(const sql::InsertValues& row,
                                     const std::optional<Accepted>& once) {
  rows_.push_back({row, once});
  return {};
}

Result<> GatheredEffects::reset_query(const std::string& id, const engine::ResetTo& to) {
  resets_.push_back({id, to, accepted_.back()});  // it was recorded just before
  return {};
}

Result<> GatheredEffects::record(const std::vector<Accepted>& statements) {
  accepted_.insert(accepted_.end(), statements.begin(), statements.end());
  return {};
}

Result<bool> gather_files(const ScriptPlace& place, const std::vector<MeasuredScript>& scripts,
                          World& world, GatheredEffects& gathered) {
  RowKeys rows;
  bool defines = false;
  for (const MeasuredScript& script : scripts) {
    const auto statements = TRY_IN(split_script(script.text), script.name);
    ScriptPass pass{.world = world,
                    .effects = gathered,
                    .origin = Origin::file,
                    .rows = &rows,
                    .topics_later = true};
    const ScriptResult result = run_statements(place, statements, pass);
    if (result.error) return fail(result.error->in(script.name));
    defines = defines || pass.defines;
  }
  return defines;
}

Result<> gather_proved(const ScriptPlace& place, const JournalEntry& script, bool before_files,
                       World& world, GatheredEffects& gathered) {
  const auto statements = TRY(split_script(script.statement.statement));
  RowKeys rows;
  ScriptPass pass{.world = world,
                  .effects = gathered,
                  .origin = Origin::signed_statement,
                  .proof = script.statement.proof,
                  .rows = &rows,
                  .topics_later = true,
                  .repeated = true,
                  .spares_files = before_files,
                  .lenient = true};
  const ScriptResult result = run_statements(place, statements, pass);
  if (result.error) return fail(*result.error);
  return {};
}

Result<> realise(const Realised& how, const std::vector<Change>& changes, const World& before,
                 World& now, const GatheredEffects& gathered) {
  const std::vector<Accepted> left = what_is_left(now, gathered.accepted());
  keep_paused(how, changes, before, now);
  TRY(make_topics(how, now, left));
  TRY(claim_all(how, now, /*for_good=*/false));
  tell(changes, before.known.empty() && before.catalogue.streams().empty());
  TRY(how.journal.append(TRY(records_of(how, changes, before, now, left))));
  TRY(forget_ended(how, now));
  TRY(claim_all(how, now, /*for_good=*/true));
  TRY(start_all(how, now, left));
  TRY(reset_positions_of(how, gathered));
  TRY(insert_rows(how, now, gathered));
  for (const auto& [id, query] : how.journal.known_queries()) now.known.try_emplace(id, query);
  std::erase_if(now.known, [&](const auto& known) {
    return !now.queries.contains(known.first) && !how.journal.known_queries().contains(known.first);
  });
  now.next_sequence = std::max(now.next_sequence, how.journal.next_number());
  return {};
}

}  // namespace penstock::session
