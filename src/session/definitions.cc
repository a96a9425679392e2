#include "session/definitions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "seal/grant.h"
#include "session/connector_definitions.h"
#include "session/definition_steps.h"
#include "session/limits.h"
#include "session/reset_positions.h"
#include "session/row_inserter.h"
#include "session/statement_text.h"
#include "session/topic_rules.h"

namespace penstock::session {
std::string source_command(const sql::StreamInfo& source, std::string_view action) {
  return fmt::format("{}/`{}`/{}", kind_word(source), source.name, action);
}

std::string_view kind_word(const sql::StreamInfo& source) {
  return source.is_table() ? "table" : "stream";
}

bool same_text(std::string_view a, std::string_view b) {
  return canonical_text(a) == canonical_text(b);
}

std::int64_t accept(const DefinitionContext& context) {
  return context.world.next_sequence++;
}

CommandResult cannot_add(const sql::StreamInfo& added, const sql::StreamInfo& there) {
  return {.command_id = source_command(added, "create"),
          .message = fmt::format("Cannot add {} `{}`: A {} with the same name already exists.",
                                 kind_word(added), added.name, kind_word(there)),
          .query_id = {},
          .sequence = -1,
          .warning = true};
}

Error exists_already(const DefinitionContext& context, const sql::StreamInfo& there,
                     std::string_view text) {
  std::string message = fmt::format("Cannot add {0} '{1}': A {0} with the same name already exists",
                                    kind_word(there), there.name);
  if (context.again == Again::resume) {
    message += fmt::format(
        ", made by another statement.\n  it was: {}\n  now:    {}\nUse another name, CREATE OR "
        "REPLACE, "
        "or drop the old one: DROP {} {};",
        canonical_text(there.statement), canonical_text(text), sql::name_of(there.kind),
        there.name);
  }
  return Error(ErrorCode::already_exists, std::move(message));
}

Result<> check_room(const DefinitionContext& context) {
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

bool is_adopted(const DefinitionContext& context, Origin there) {
  return context.origin == Origin::file && there == Origin::statement;
}

namespace {

using Context = DefinitionContext;

Result<CommandResult> create_stream(const Context& context, const std::string& text,
                                    sql::CreateStream& create) {
  sql::StreamInfo& stream = create.stream;
  stream.statement = text;
  const sql::StreamInfo* there = context.world.catalogue.find(stream.name);
  const bool replace = create.or_replace || context.replayed != nullptr;
  if (there != nullptr && !replace) {
    if (create.if_not_exists) return cannot_add(stream, *there);
    const bool same = context.again == Again::resume && same_text(there->statement, text);
    if (same && !is_adopted(context, context.world.stream_origins[stream.name])) {
      return CommandResult{.command_id = source_command(stream, "create"),
                           .message = stream.is_table() ? "Table exists" : "Stream exists",
                           .query_id = {}};
    }
    if (!same) return fail(exists_already(context, *there, text));
  }
  TRY(check_room(context));
  if (context.replayed == nullptr) {
    TRY(check_seal(stream, context.keys, Use::declare));
    if (!context.topics_later) {
      TRY(ensure_topics(stream, context.options.default_partitions, context.effects));
    }
  }
  TRY(context.effects.record({{.kind = Accepted::Kind::create,
                               .name = stream.name,
                               .query_id = {},
                               .statement = text,
                               .properties = context.properties,
                               .origin = context.origin}}));
  CommandResult result{.command_id = source_command(stream, "create"),
                       .message = fmt::format("{} {}", stream.is_table() ? "Table" : "Stream",
                                              there != nullptr ? "replaced" : "created"),
                       .query_id = {},
                       .sequence = accept(context)};
  context.world.stream_origins[stream.name] = context.origin;
  context.world.catalogue.put(std::move(stream));
  return result;
}

// Of a row that is inserted once: of a file that is run again, or of a signed script.
std::optional<Accepted> once_record(const Context& context, const std::string& text,
                                    const sql::InsertValues& insert) {
  if (context.rows == nullptr) return std::nullopt;
  const std::string what =
      context.proof.empty() ? canonical_text(text) : std::string(context.proof);
  return Accepted{.kind = Accepted::Kind::row,
                  .name = insert.target.name,
                  .query_id = {},
                  .statement = text,
                  .origin = context.origin,
                  .key = context.rows->next(what)};
}

Result<CommandResult> insert_values(const Context& context, const std::string& text,
                                    sql::InsertValues& insert) {
  TRY(compute_values(insert));
  TRY(check_seal(insert.target, context.keys, Use::write));
  if (!context.topics_later) TRY(ensure_topics(insert.target, std::nullopt, context.effects));
  TRY(context.effects.insert_row(insert, once_record(context, text, insert)));
  return CommandResult{.command_id = {}, .message = "1 row inserted", .query_id = {}};
}

// By others than the query that made it, which ends with it.
Result<> check_unused(const World& world, const std::string& name, const PersistentQuery* creator) {
  std::vector<std::string> readers, writers;
  for (const auto& [id, query] : world.queries) {
    if (std::ranges::find(query.sources, name) != query.sources.end()) readers.push_back(id);
    if (query.sink == name && &query != creator) writers.push_back(id);
  }
  if (readers.empty() && writers.empty()) return {};
  return fail(ErrorCode::failed_precondition,
              fmt::format("Cannot drop {0}.\n"
                          "The following queries read from this source: [{1}].\n"
                          "The following queries write into this source: [{2}].\n"
                          "You need to terminate them before dropping {0}.",
                          name, fmt::join(readers, ", "), fmt::join(writers, ", ")));
}

Result<> check_own_topic(const Context& context, const sql::StreamInfo& stream) {
  for (const auto& [name, other] : context.world.catalogue.streams()) {
    if (name != stream.name && other.topic == stream.topic) {
      return fail(ErrorCode::failed_precondition,
                  fmt::format("Refusing to delete topic '{}': stream '{}' uses it too.",
                              stream.topic, name));
    }
  }
  return {};
}

Result<> delete_topics(const Context& context, const sql::StreamInfo& stream) {
  const auto topic = TRY(topics::TopicName::parse(stream.topic));
  if (TRY(context.effects.topic(topic))) TRY(context.effects.remove_topic(topic));
  if (stream.seal.kind == sql::SealKind::none) return {};
  const auto grants = TRY(topics::TopicName::parse(seal::grants_topic(stream.topic)));
  if (TRY(context.effects.topic(grants))) TRY(context.effects.remove_topic(grants));
  return {};
}

// What a file cannot do, which is run again at every start.
Result<> check_deletes(const Context& context, const sql::DropStream& drop) {
  if (!drop.delete_topic || !context.topics_later || context.repeated) return {};
  return fail(ErrorCode::failed_precondition,
              fmt::format("DROP STREAM {0} DELETE TOPIC stands in a file, which would delete the "
                          "topic at every start. Take it out: a stream that the file does not "
                          "define any more ends by itself. To delete the topic, run the statement "
                          "once with `penstock sql`.",
                          drop.name));
}

CommandResult left_alone(std::string command, std::string_view what) {
  return {.command_id = std::move(command),
          .message = fmt::format("{} is of a newer configuration and left alone.", what),
          .query_id = {},
          .warning = true};
}

Result<CommandResult> drop_stream(const Context& context, const std::string& text,
                                  const sql::DropStream& drop) {
  const sql::StreamInfo* stream = context.world.catalogue.find(drop.name);
  CommandResult result{
      .command_id = fmt::format(
          "{}/`{}`/drop", drop.kind == sql::SourceKind::table ? "table" : "stream", drop.name),
      .message = {},
      .query_id = {}};
  if (stream == nullptr && drop.if_exists) {
    result.message = fmt::format("Source {} does not exist.", drop.name);
    result.warning = true;
    return result;
  }
  if (stream == nullptr) {
    if (context.replayed != nullptr || context.repeated) return result;
    return fail(ErrorCode::not_found, fmt::format("Source {} does not exist.", drop.name));
  }
  if (context.spares_files && context.world.stream_origins[drop.name] == Origin::file) {
    return left_alone(std::move(result.command_id), drop.name);
  }
  TRY(check_deletes(context, drop));
  const PersistentQuery* creator = creator_of(context.world, drop.name);
  TRY(check_unused(context.world, drop.name, creator));
  if (context.replayed == nullptr) TRY(check_no_connector(context.world, *stream));
  const bool now = context.replayed == nullptr && !context.topics_later;
  if (drop.delete_topic && now) TRY(check_own_topic(context, *stream));
  if (creator != nullptr) {  // in steps of their own: what fails behind one can be said again
    TRY(context.effects.record({TRY(end_of(*creator, text, context))}));
    TRY(stop(context, std::string(creator->id)));
  }
  if (drop.delete_topic && now) TRY(delete_topics(context, *stream));
  TRY(context.effects.record({{.kind = Accepted::Kind::drop,
                               .name = drop.name,
                               .query_id = {},
                               .statement = text,
                               .origin = context.origin,
                               .topic_deleted = drop.delete_topic}}));
  result.message = fmt::format("Source `{}` (topic: {}) was dropped.", drop.name, stream->topic);
  result.sequence = accept(context);
  context.world.stream_origins.erase(drop.name);
  context.world.catalogue.erase(drop.name);
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
               std::is_same_v<Node, sql::AlterSource> || std::is_same_v<Node, sql::CreateType> ||
               std::is_same_v<Node, sql::DropType> || std::is_same_v<Node, sql::PauseStatement> ||
               std::is_same_v<Node, sql::ResetPositions> ||
               std::is_same_v<Node, sql::CreateConnector> ||
               std::is_same_v<Node, sql::DropConnector> ||
               std::is_same_v<Node, sql::PauseConnector>;
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
    return insert_values(context, text, *insert);
  }
  if (auto* alter = std::get_if<sql::AlterSource>(&statement.node)) {
    return alter_source(context, *alter);
  }
  if (const auto* create = std::get_if<sql::CreateType>(&statement.node)) {
    return create_type(context, text, *create);
  }
  if (const auto* drop = std::get_if<sql::DropType>(&statement.node)) {
    return drop_type(context, text, *drop);
  }
  if (const auto* node = std::get_if<sql::PauseStatement>(&statement.node)) {
    return pause(context, text, *node);
  }
  if (const auto* create = std::get_if<sql::CreateConnector>(&statement.node)) {
    return create_connector(context, text, *create);
  }
  if (const auto* drop = std::get_if<sql::DropConnector>(&statement.node)) {
    return drop_connector(context, text, *drop);
  }
  if (const auto* node = std::get_if<sql::PauseConnector>(&statement.node)) {
    return pause_connector(context, text, *node);
  }
  if (const auto* reset = std::get_if<sql::ResetPositions>(&statement.node)) {
    return reset_positions(context, text, *reset);
  }
  auto* end = std::get_if<sql::TerminateStatement>(&statement.node);
  CHECK(end != nullptr);
  return terminate(context, text, *end);
}

}  // namespace penstock::session
