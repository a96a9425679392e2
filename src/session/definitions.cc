#include "session/definitions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "engine/plan_digest.h"
#include "seal/grant.h"
#include "session/limits.h"
#include "session/properties.h"
#include "session/query_ids.h"
#include "session/reset_positions.h"
#include "session/statement_text.h"
#include "session/topic_rules.h"

namespace penstock::session {
namespace {

using Context = DefinitionContext;

std::string stream_command(std::string_view name, std::string_view action) {
  return fmt::format("stream/`{}`/{}", name, action);
}

bool same_text(std::string_view a, std::string_view b) {
  return canonical_text(a) == canonical_text(b);
}

std::int64_t accept(const Context& context) {
  return context.world.next_sequence++;
}

CommandResult cannot_add(std::string_view name) {
  return {.command_id = stream_command(name, "create"),
          .message = fmt::format(
              "Cannot add stream `{}`: A stream with the same name already exists.", name),
          .query_id = {},
          .sequence = -1,
          .warning = true};
}

Error exists_already(const Context& context, const sql::StreamInfo& there, std::string_view text) {
  std::string message =
      fmt::format("Cannot add stream '{}': A stream with the same name already exists", there.name);
  if (context.again == Again::resume) {
    message += fmt::format(
        ", made by another statement.\n  it was: {}\n  now:    {}\nUse another name, CREATE OR "
        "REPLACE, "
        "or drop the old one: DROP STREAM {};",
        canonical_text(there.statement), canonical_text(text), there.name);
  }
  return Error(ErrorCode::already_exists, std::move(message));
}

Result<> check_room(const Context& context) {
  if (context.world.catalogue.streams().size() >= kStreamsMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("there are {} streams, the most that may be", kStreamsMax));
  }
  if (context.world.queries.size() >= kQueriesMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("there are {} queries, the most that may be", kQueriesMax));
  }
  return {};
}

Result<CommandResult> create_stream(const Context& context, const std::string& text,
                                    sql::CreateStream& create) {
  sql::StreamInfo& stream = create.stream;
  stream.statement = text;
  const sql::StreamInfo* there = context.world.catalogue.find(stream.name);
  const bool replace = create.or_replace || context.replayed != nullptr;
  if (there != nullptr && !replace) {
    if (create.if_not_exists) return cannot_add(stream.name);
    if (context.again == Again::resume && same_text(there->statement, text)) {
      return CommandResult{.command_id = stream_command(stream.name, "create"),
                           .message = "Stream exists",
                           .query_id = {}};
    }
    return fail(exists_already(context, *there, text));
  }
  TRY(check_room(context));
  if (context.replayed == nullptr) {
    TRY(check_seal(stream, context.keys, Use::declare));
    if (!context.topics_later) {
      TRY(ensure_topics(stream, context.options.default_partitions, context.effects));
    }
  }
  TRY(context.effects.record({.kind = Accepted::Kind::create,
                              .name = stream.name,
                              .query_id = {},
                              .statement = text,
                              .properties = context.properties}));
  CommandResult result{.command_id = stream_command(stream.name, "create"),
                       .message = there != nullptr ? "Stream replaced" : "Stream created",
                       .query_id = {},
                       .sequence = accept(context)};
  context.world.catalogue.put(std::move(stream));
  return result;
}

// Rights on everything the plan touches, and the topics it needs.
Result<> check_plan(const Context& context, const sql::PlanNode& plan) {
  for (const sql::StreamInfo* source : sources_of(plan)) {
    TRY(check_seal(*source, context.keys, Use::read));
  }
  const sql::SinkStep* sink = sink_of(plan);
  CHECK(sink != nullptr);
  TRY(check_seal(sink->stream, context.keys, Use::write));
  TRY(check_no_circle(context.world, plan, sink->stream));
  if (context.topics_later) return {};
  return ensure_sink_topics(plan, context.effects);
}

PersistentQuery make_query(const Context& context, const std::string& id, QueryKind kind,
                           const std::string& text, sql::PlanPtr plan) {
  PersistentQuery query;
  query.id = id;
  query.statement = text;
  query.kind = kind;
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

// Records the statement and starts the query; takes the record back when it does not start.
Result<> launch(const Context& context, PersistentQuery query, Accepted::Kind kind) {
  const std::string plan = engine::plan_digest(*query.plan);
  TRY(context.effects.record({.kind = kind,
                              .name = query.sink,
                              .query_id = query.id,
                              .statement = query.statement,
                              .start = query.start,
                              .properties = context.properties,
                              .plan = plan}));
  if (auto started = context.effects.start_query(query); !started) {
    // Positions of an earlier run must survive: only what this statement made is taken back.
    if (!context.world.known.contains(query.id)) {
      (void)context.effects.record(
          {.kind = Accepted::Kind::terminate, .name = {}, .query_id = query.id, .statement = {}});
      if (kind == Accepted::Kind::create_as &&
          context.world.catalogue.find(query.sink) == nullptr) {
        (void)context.effects.record(
            {.kind = Accepted::Kind::drop, .name = query.sink, .query_id = {}, .statement = {}});
      }
    }
    return fail(started.error().in(fmt::format("starting query {}", query.id)));
  }
  context.world.known.insert_or_assign(
      query.id, KnownQuery{query.id, query.statement, query.kind, query.sink, plan});
  std::string id = query.id;
  context.world.queries.insert_or_assign(std::move(id), std::move(query));
  return {};
}

const PersistentQuery* creator_of(const World& world, std::string_view stream) {
  for (const auto& [id, query] : world.queries) {
    if (query.kind == QueryKind::create_as && query.sink == stream) return &query;
  }
  return nullptr;
}

// What a CREATE STREAM AS finds when its stream exists; nothing: go on and make or replace it.
Result<std::optional<CommandResult>> existing_sink(const Context& context, const std::string& text,
                                                   const sql::CreateStreamAs& create) {
  const std::string& name = create.stream.name;
  const sql::StreamInfo* there = context.world.catalogue.find(name);
  if (there == nullptr || context.replayed != nullptr) return std::nullopt;
  if (create.if_not_exists) return cannot_add(name);
  const PersistentQuery* creator = creator_of(context.world, name);
  if (context.again == Again::resume && creator != nullptr && same_text(creator->statement, text)) {
    return CommandResult{.command_id = stream_command(name, "create"),
                         .message = fmt::format("Resumed query with ID {}", creator->id),
                         .query_id = creator->id};
  }
  if (create.or_replace) return std::nullopt;
  return fail(exists_already(context, *there, text));
}

// CREATE OR REPLACE keeps the query's id, and so its position.
Result<std::string> sink_query_id(const Context& context, const std::string& text,
                                  const sql::CreateStreamAs& create) {
  const PersistentQuery* old = creator_of(context.world, create.stream.name);
  if (create.or_replace && old != nullptr && context.replayed == nullptr) {
    const std::string id = old->id;
    TRY(context.effects.stop_query(id, false));
    context.world.queries.erase(id);
    return id;
  }
  return TRY(identify(context, {QueryKind::create_as, create.stream.name, std::nullopt, text})).id;
}

Result<CommandResult> create_stream_as(const Context& context, const std::string& text,
                                       sql::CreateStreamAs& create) {
  create.stream.statement = text;
  if (auto done = TRY(existing_sink(context, text, create))) return *std::move(done);
  TRY(check_room(context));
  if (context.replayed == nullptr) {
    TRY(check_plan(context, *create.plan));
  }
  const std::string id = TRY(sink_query_id(context, text, create));
  PersistentQuery query =
      make_query(context, id, QueryKind::create_as, text, std::move(create.plan));
  const bool resumed = context.world.known.contains(id);
  TRY(launch(context, std::move(query), Accepted::Kind::create_as));
  CommandResult result{
      .command_id = stream_command(create.stream.name, "create"),
      .message = fmt::format("{} query with ID {}", resumed ? "Resumed" : "Created", id),
      .query_id = id,
      .sequence = accept(context)};
  context.world.catalogue.put(std::move(create.stream));
  return result;
}

Result<CommandResult> insert_select(const Context& context, const std::string& text,
                                    sql::InsertSelect& insert) {
  TRY(check_room(context));
  const QueryIdentity identity =
      TRY(identify(context, {QueryKind::insert, insert.target, insert.query_id, text}));
  const bool resumed = context.world.known.contains(identity.id);
  CommandResult result{
      .command_id = stream_command(insert.target, "create"),
      .message = fmt::format("{} query with ID {}", resumed ? "Resumed" : "Created", identity.id),
      .query_id = identity.id};
  if (identity.running) return result;
  if (context.replayed == nullptr) {
    TRY(check_plan(context, *insert.plan));
  }
  TRY(launch(context,
             make_query(context, identity.id, QueryKind::insert, text, std::move(insert.plan)),
             Accepted::Kind::insert));
  result.sequence = accept(context);
  return result;
}

Result<CommandResult> insert_values(const Context& context, const sql::InsertValues& insert) {
  TRY(check_seal(insert.target, context.keys, Use::write));
  if (!context.topics_later) TRY(ensure_topics(insert.target, std::nullopt, context.effects));
  if (!context.repeated) TRY(context.effects.insert_row(insert));
  return CommandResult{.command_id = {}, .message = "1 row inserted", .query_id = {}};
}

Result<> check_unused(const World& world, const std::string& name) {
  std::vector<std::string> readers, writers;
  for (const auto& [id, query] : world.queries) {
    if (std::ranges::find(query.sources, name) != query.sources.end()) readers.push_back(id);
    if (query.sink == name) writers.push_back(id);
  }
  if (readers.empty() && writers.empty()) return {};
  return fail(ErrorCode::failed_precondition,
              fmt::format("Cannot drop {0}.\n"
                          "The following queries read from this source: [{1}].\n"
                          "The following queries write into this source: [{2}].\n"
                          "You need to terminate them before dropping {0}.",
                          name, fmt::join(readers, ", "), fmt::join(writers, ", ")));
}

Result<> delete_topics(const Context& context, const sql::StreamInfo& stream) {
  for (const auto& [name, other] : context.world.catalogue.streams()) {
    if (name != stream.name && other.topic == stream.topic) {
      return fail(ErrorCode::failed_precondition,
                  fmt::format("Refusing to delete topic '{}': stream '{}' uses it too.",
                              stream.topic, name));
    }
  }
  const auto topic = TRY(topics::TopicName::parse(stream.topic));
  if (TRY(context.effects.partitions(topic))) TRY(context.effects.remove_topic(topic));
  if (stream.seal.kind == sql::SealKind::none) return {};
  const auto grants = TRY(topics::TopicName::parse(seal::grants_topic(stream.topic)));
  if (TRY(context.effects.partitions(grants))) TRY(context.effects.remove_topic(grants));
  return {};
}

Result<CommandResult> drop_stream(const Context& context, const std::string& text,
                                  const sql::DropStream& drop) {
  const sql::StreamInfo* stream = context.world.catalogue.find(drop.name);
  CommandResult result{
      .command_id = stream_command(drop.name, "drop"), .message = {}, .query_id = {}};
  if (stream == nullptr && drop.if_exists) {
    result.message = fmt::format("Source {} does not exist.", drop.name);
    result.warning = true;
    return result;
  }
  if (stream == nullptr) {
    if (context.replayed != nullptr || context.repeated) return result;
    return fail(ErrorCode::not_found, fmt::format("Stream {} does not exist.", drop.name));
  }
  TRY(check_unused(context.world, drop.name));
  const bool now = context.replayed == nullptr && !context.topics_later;
  if (drop.delete_topic && now) TRY(delete_topics(context, *stream));
  TRY(context.effects.record(
      {.kind = Accepted::Kind::drop, .name = drop.name, .query_id = {}, .statement = text}));
  result.message = fmt::format("Source `{}` (topic: {}) was dropped.", drop.name, stream->topic);
  result.sequence = accept(context);
  context.world.catalogue.erase(drop.name);
  return result;
}

Result<CommandResult> terminate(const Context& context, const std::string& text,
                                const sql::TerminateStatement& terminate) {
  std::vector<std::string> ids;
  if (terminate.query_id) {
    const PersistentQuery* query = find_query(context.world, *terminate.query_id);
    if (query == nullptr && context.repeated) {
      return CommandResult{.command_id = fmt::format("terminate/{}/execute", *terminate.query_id),
                           .message = "The query does not exist.",
                           .query_id = {},
                           .warning = true};
    }
    if (query == nullptr) {
      return fail(ErrorCode::not_found,
                  fmt::format("Unknown queryId: {}. SHOW QUERIES lists those that run.",
                              *terminate.query_id));
    }
    ids.push_back(query->id);
  } else {
    for (const auto& [id, query] : context.world.queries) ids.push_back(id);
  }
  CommandResult result{
      .command_id = fmt::format("terminate/{}/execute", terminate.query_id ? ids[0] : "ALL"),
      .message = terminate.query_id ? "Query terminated." : "All queries terminated.",
      .query_id = terminate.query_id ? ids[0] : std::string()};
  for (const std::string& id : ids) {
    TRY(context.effects.record(
        {.kind = Accepted::Kind::terminate, .name = {}, .query_id = id, .statement = text}));
    TRY(context.effects.stop_query(id, true));
    context.world.queries.erase(id);
    context.world.known.erase(id);
    result.sequence = accept(context);
  }
  return result;
}

}  // namespace

bool is_definition(const sql::Statement& statement) {
  return std::visit(
      [](const auto& node) {
        using Node = std::decay_t<decltype(node)>;
        return std::is_same_v<Node, sql::CreateStream> || std::is_same_v<Node, sql::DropStream> ||
               std::is_same_v<Node, sql::CreateStreamAs> ||
               std::is_same_v<Node, sql::InsertSelect> || std::is_same_v<Node, sql::InsertValues> ||
               std::is_same_v<Node, sql::TerminateStatement> ||
               std::is_same_v<Node, sql::ResetPositions>;
      },
      statement.node);
}

Result<CommandResult> apply(const DefinitionContext& context, sql::Statement& statement) {
  const std::string& text = statement.text;
  if (auto* create = std::get_if<sql::CreateStream>(&statement.node)) {
    return create_stream(context, text, *create);
  }
  if (auto* drop = std::get_if<sql::DropStream>(&statement.node)) {
    return drop_stream(context, text, *drop);
  }
  if (auto* create = std::get_if<sql::CreateStreamAs>(&statement.node)) {
    return create_stream_as(context, text, *create);
  }
  if (auto* insert = std::get_if<sql::InsertSelect>(&statement.node)) {
    return insert_select(context, text, *insert);
  }
  if (auto* insert = std::get_if<sql::InsertValues>(&statement.node)) {
    return insert_values(context, *insert);
  }
  if (const auto* reset = std::get_if<sql::ResetPositions>(&statement.node)) {
    return reset_positions(context, text, *reset);
  }
  auto* end = std::get_if<sql::TerminateStatement>(&statement.node);
  CHECK(end != nullptr);
  return terminate(context, text, *end);
}

}  // namespace penstock::session
