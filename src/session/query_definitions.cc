// Statements that start and end persistent queries.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "engine/plan_digest.h"
#include "session/definition_steps.h"
#include "session/properties.h"
#include "session/query_ids.h"
#include "session/topic_rules.h"
#include "session/upgrade.h"

namespace penstock::session {
namespace {

// Rights on everything the plan touches, and the topics it needs.
Result<> check_plan(const DefinitionContext& context, const sql::PlanNode& plan) {
  for (const sql::StreamInfo* source : sources_of(plan)) {
    TRY(check_seal(*source, context.keys, Use::read));
  }
  const sql::SinkStep* sink = sink_of(plan);
  CHECK(sink != nullptr);
  TRY(check_seal(sink->stream, context.keys, Use::write));
  TRY(check_no_circle(context.world, plan, sink->stream));
  TRY(check_joined_partitions(plan, context.effects));
  if (context.topics_later) return {};
  return ensure_sink_topics(plan, context.options.sink_partitions, context.effects);
}

PersistentQuery make_query(const DefinitionContext& context, QueryKind kind,
                           const std::string& text, sql::PlanPtr plan,
                           const std::optional<sql::OnChange>& on_change) {
  PersistentQuery query;
  query.statement = text;
  query.kind = kind;
  query.origin = context.origin;
  query.on_change = on_change;
  query.properties = context.properties;
  query.plan = std::shared_ptr<const sql::PlanNode>(std::move(plan));
  const sql::StreamInfo& sink = sink_of(*query.plan)->stream;
  query.sink = sink.name;
  query.sink_topic = sink.topic;
  for (const sql::StreamInfo* source : sources_of(*query.plan))
    query.sources.push_back(source->name);
  query.start = context.replayed != nullptr
                    ? context.replayed->start
                    : start_of(context.properties, engine::StartAt::earliest);
  return query;
}

Accepted record_of(const PersistentQuery& query) {
  return {.kind = query.kind == QueryKind::create_as ? Accepted::Kind::create_as
                                                     : Accepted::Kind::insert,
          .name = query.sink,
          .query_id = query.id,
          .statement = query.statement,
          .start = query.start,
          .properties = query.properties,
          .plan = engine::plan_digest(*query.plan),
          .origin = query.origin};
}

// What a new query takes the place of.
struct Replaced {
  PersistentQuery query;
  Upgrade how = Upgrade::go_on;
};

// Takes back what launch() recorded; the older query, which still has its positions, runs again.
Result<> take_back(const DefinitionContext& context, const PersistentQuery& query,
                   const std::optional<Replaced>& replaced) {
  if (replaced && replaced->how != Upgrade::restart) {
    TRY(context.effects.record({record_of(replaced->query)}));
    return context.effects.start_query(replaced->query);
  }
  if (replaced) {  // what it had is forgotten: the new one stays recorded, for the next start
    context.world.queries.erase(query.id);
    return {};
  }
  // Positions of an earlier run must survive: only what this statement made is taken back.
  if (context.world.known.contains(query.id)) return {};
  std::vector<Accepted> records = {TRY(end_of(query, {}, context))};
  if (query.kind == QueryKind::create_as && context.world.catalogue.find(query.sink) == nullptr) {
    records.push_back({.kind = Accepted::Kind::drop,
                       .name = query.sink,
                       .query_id = {},
                       .statement = {},
                       .origin = context.origin});
  }
  return context.effects.record(records);
}

Result<> start_claimed(const DefinitionContext& context, const PersistentQuery& query) {
  if (context.replayed == nullptr) {
    TRY(context.effects.claim_sinks({&query}, context.world.queries, /*for_good=*/true));
  }
  return context.effects.start_query(query);
}

// Records the statement, stops what it replaces and starts the query.
Result<> launch(const DefinitionContext& context, PersistentQuery query,
                const std::optional<Replaced>& replaced = {}) {
  const bool restarts = replaced && replaced->how == Upgrade::restart;
  if (context.replayed == nullptr) {
    TRY(context.effects.claim_sinks({&query}, context.world.queries, /*for_good=*/false));
  }
  std::vector<Accepted> records;
  if (restarts) records.push_back(TRY(end_of(replaced->query, query.statement, context)));
  records.push_back(record_of(query));
  TRY(context.effects.record(records));
  if (replaced) TRY(context.effects.stop_query(query.id, restarts));
  if (auto started = start_claimed(context, query); !started) {
    (void)take_back(context, query, replaced);
    return fail(started.error().in(fmt::format("starting query {}", query.id)));
  }
  context.world.known.insert_or_assign(query.id,
                                       KnownQuery{query.id, query.statement, query.kind, query.sink,
                                                  engine::plan_digest(*query.plan), query.origin});
  std::string id = query.id;
  context.world.queries.insert_or_assign(std::move(id), std::move(query));
  return {};
}

// What a CREATE STREAM AS finds when its stream exists; nothing: go on and make or replace it.
Result<std::optional<CommandResult>> existing_sink(const DefinitionContext& context,
                                                   const std::string& text,
                                                   const sql::CreateStreamAs& create) {
  const std::string& name = create.stream.name;
  const sql::StreamInfo* there = context.world.catalogue.find(name);
  if (there == nullptr || context.replayed != nullptr) return std::nullopt;
  if (create.if_not_exists) return cannot_add(create.stream, *there);
  const PersistentQuery* creator = creator_of(context.world, name);
  if (context.again == Again::resume && creator != nullptr && same_text(creator->statement, text)) {
    if (is_adopted(context, creator->origin)) return std::nullopt;
    return CommandResult{.command_id = source_command(create.stream, "create"),
                         .message = fmt::format("Resumed query with ID {}", creator->id),
                         .query_id = creator->id};
  }
  if (create.or_replace) return std::nullopt;
  return fail(exists_already(context, *there, text));
}

KnownQuery known_of(const World& world, const PersistentQuery& query) {
  if (const auto at = world.known.find(query.id); at != world.known.end()) return at->second;
  return {query.id,    query.statement, query.kind, query.sink, engine::plan_digest(*query.plan),
          query.origin};
}

// The query whose stream this statement makes anew; it keeps the id, and so its positions.
Result<std::optional<Replaced>> replaced_by(const DefinitionContext& context,
                                            PersistentQuery& query,
                                            const std::optional<std::string>& chosen_id) {
  const PersistentQuery* old = creator_of(context.world, query.sink);
  if (old == nullptr || context.replayed != nullptr) return std::nullopt;
  std::vector<std::string> writers;
  for (const auto& [id, other] : context.world.queries)
    if (other.sink == query.sink) writers.push_back(id);
  if (writers.size() > 1)
    return fail(ErrorCode::failed_precondition,
                fmt::format("REPLACE for sink {} is not supported because there are multiple "
                            "queries writing into it: [{}].",
                            query.sink, fmt::join(writers, ", ")));
  query.id = old->id;
  if (chosen_id && *chosen_id != old->id) {
    return fail(query_changed(known_of(context.world, *old), query.statement,
                              "QUERY_ID names another",
                              fmt::format("Leave QUERY_ID out, or end the old one first: TERMINATE "
                                          "{};",
                                          old->id)));
  }
  const KnownQuery known = known_of(context.world, *old);
  const Upgrade how = TRY(upgrade_of({known, old->plan.get()}, query));
  return Replaced{*old, how};
}

}  // namespace

Result<std::int32_t> tasks_of(const sql::PlanNode& plan, Effects& effects) {
  std::int32_t tasks = 0;
  for (const sql::StreamInfo* source : sources_of(plan)) {
    const auto topic = TRY(effects.topic(TRY(topics::TopicName::parse(source->topic))));
    if (topic) tasks = std::max(tasks, topic->partitions);
  }
  return tasks;
}

Result<CommandResult> create_stream_as(const DefinitionContext& context, const std::string& text,
                                       sql::CreateStreamAs& create) {
  create.stream.statement = text;
  if (auto done = TRY(existing_sink(context, text, create))) return *std::move(done);
  TRY(check_room(context));
  if (context.replayed == nullptr) {
    TRY(check_plan(context, *create.plan));
  }
  PersistentQuery query =
      make_query(context, QueryKind::create_as, text, std::move(create.plan), create.on_change);
  const auto replaced = TRY(replaced_by(context, query, create.query_id));
  if (!replaced) {
    query.id = TRY(identify(context, {.kind = QueryKind::create_as,
                                      .sink = create.stream.name,
                                      .chosen = create.query_id,
                                      .statement = text,
                                      .on_change = create.on_change}))
                   .id;
  }
  const std::string id = query.id;
  const bool resumed = context.world.known.contains(id);
  TRY(launch(context, std::move(query), replaced));
  CommandResult result{
      .command_id = source_command(create.stream, "create"),
      .message = fmt::format("{} query with ID {}", resumed ? "Resumed" : "Created", id),
      .query_id = id,
      .sequence = accept(context)};
  context.world.stream_origins[create.stream.name] = context.origin;
  context.world.catalogue.put(std::move(create.stream));
  return result;
}

Result<CommandResult> insert_select(const DefinitionContext& context, const std::string& text,
                                    sql::InsertSelect& insert) {
  TRY(check_room(context));
  const QueryIdentity identity = TRY(identify(context, {.kind = QueryKind::insert,
                                                        .sink = insert.target,
                                                        .chosen = insert.query_id,
                                                        .statement = text,
                                                        .on_change = insert.on_change}));
  const bool resumed = context.world.known.contains(identity.id);
  CommandResult result{
      .command_id = fmt::format("stream/`{}`/create", insert.target),
      .message = fmt::format("{} query with ID {}", resumed ? "Resumed" : "Created", identity.id),
      .query_id = identity.id};
  const auto running = context.world.queries.find(identity.id);
  if (identity.running && !is_adopted(context, running->second.origin)) return result;
  if (context.replayed == nullptr) {
    TRY(check_plan(context, *insert.plan));
  }
  PersistentQuery query =
      make_query(context, QueryKind::insert, text, std::move(insert.plan), insert.on_change);
  query.id = identity.id;
  TRY(launch(context, std::move(query)));
  result.sequence = accept(context);
  return result;
}

}  // namespace penstock::session
