#include "session/restart.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "session/dry_effects.h"
#include "session/query_ids.h"
#include "session/statement_text.h"
#include "session/topic_rules.h"

namespace penstock::session {
namespace {

bool is_query(const Accepted& statement) {
  return statement.kind == Accepted::Kind::create_as || statement.kind == Accepted::Kind::insert;
}

bool is_left(const World& world, const Accepted& one) {
  if (is_query(one)) {
    const auto query = world.queries.find(one.query_id);
    return query != world.queries.end() && query->second.statement == one.statement;
  }
  const sql::StreamInfo* stream = world.catalogue.find(one.name);
  return one.kind == Accepted::Kind::create && stream != nullptr &&
         stream->statement == one.statement;
}

// Of each stream and query the last statement, if the world still has what it made.
std::vector<const Accepted*> what_is_left(const World& world,
                                          const std::vector<Accepted>& accepted) {
  std::vector<const Accepted*> out;
  std::set<std::pair<Accepted::Kind, std::string>> seen;
  for (auto one = accepted.rbegin(); one != accepted.rend(); ++one) {
    const std::string& key = is_query(*one) ? one->query_id : one->name;
    if (seen.emplace(one->kind, key).second && is_left(world, *one)) out.push_back(&*one);
  }
  std::ranges::reverse(out);
  return out;
}

// A query that is not known may not go on where another one, which is not there any more, wrote.
Result<> check_known(const World& world, const std::map<std::string, KnownQuery>& known) {
  for (const auto& [id, query] : world.queries) {
    if (const auto at = known.find(id); at != known.end()) {
      if (canonical_text(at->second.statement) == canonical_text(query.statement)) {
        TRY(check_same_plan(at->second, *query.plan));
        continue;
      }
      return fail(query_changed(at->second, query.statement));
    }
    for (const auto& [old_id, old] : known) {
      const bool gone = !world.queries.contains(old_id);
      if (gone && old.kind == query.kind && old.sink == query.sink) {
        return fail(query_changed(old, query.statement));
      }
    }
  }
  return {};
}

Result<> realise_one(const World& world, const Accepted& one,
                     const std::optional<std::int32_t>& default_partitions, Effects& live) {
  if (!is_query(one)) {
    TRY(ensure_topics(*world.catalogue.find(one.name), default_partitions, live));
    return live.record(one);
  }
  const PersistentQuery& query = world.queries.at(one.query_id);
  TRY(ensure_sink_topics(*query.plan, live));
  TRY(live.record(one));
  return live.start_query(query);
}

}  // namespace

Result<std::optional<std::int32_t>> GatheredEffects::partitions(const topics::TopicName& topic) {
  return partitions_in(log_, topic);
}

Result<> GatheredEffects::insert_row(const sql::InsertValues& row) {
  rows_.push_back(row);
  return {};
}

Result<> GatheredEffects::record(const Accepted& statement) {
  accepted_.push_back(statement);
  return {};
}

Result<> realise(World& world, const GatheredEffects& gathered, const StatementJournal& journal,
                 const std::optional<std::int32_t>& default_partitions, Effects& live) {
  std::map<std::string, KnownQuery> known = journal.known_queries();
  const std::vector<Accepted>& accepted = gathered.accepted();
  // A crash may have come between the record of a proved script and that of its TERMINATE.
  for (const Accepted& one : accepted) {
    if (one.kind != Accepted::Kind::terminate || world.queries.contains(one.query_id)) continue;
    if (known.erase(one.query_id) > 0) TRY(live.record(one));
  }
  TRY(check_known(world, known));
  for (const Accepted* one : what_is_left(world, accepted)) {
    TRY_IN(realise_one(world, *one, default_partitions, live),
           fmt::format("taking up '{}'", canonical_text(one->statement)));
  }
  for (const sql::InsertValues& row : gathered.rows()) {
    if (world.catalogue.find(row.target.name) == nullptr) continue;
    TRY(ensure_topics(row.target, std::nullopt, live));
    TRY(live.insert_row(row));
  }
  known.merge(world.known);
  world.known = std::move(known);
  return {};
}

}  // namespace penstock::session
