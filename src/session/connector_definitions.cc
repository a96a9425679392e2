#include "session/connector_definitions.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/limits.h"
#include "session/definition_steps.h"
#include "session/statement_text.h"
#include "session/topic_rules.h"
#include "sql/nearest.h"

namespace penstock::session {
namespace {

constexpr std::string_view kHidden = "********";

engine::ConnectorDirection direction_of(const Connector& connector) {
  return connector.source ? engine::ConnectorDirection::source : engine::ConnectorDirection::sink;
}

std::string kind_name(const Connector& connector) {
  const auto at = connector.options.find("connector");
  return at == connector.options.end() ? std::string() : at->second;
}

Result<const engine::ConnectorKind*> kind_of(const Connector& connector,
                                             const SessionOptions& options) {
  if (options.connectors == nullptr)
    return fail(ErrorCode::failed_precondition,
                "this process runs no connectors: put the statement where the service runs, into "
                "the SQL of `penstock run` or of a penstockd");
  const std::string name = kind_name(connector);
  if (const engine::ConnectorKind* kind = options.connectors->find(name)) return kind;
  std::vector<std::string_view> names;
  for (const engine::ConnectorKind& kind : options.connectors->all()) names.push_back(kind.name);
  const std::string hint = sql::did_you_mean(name, std::span<const std::string_view>(names));
  return fail(
      ErrorCode::invalid_statement,
      fmt::format(
          "Option 'connector': there is no connector '{}'.{}", name,
          hint.empty() ? fmt::format(" Expected one of: {}.", fmt::join(names, ", ")) : hint));
}

// An option that is not declared may be a misspelt secret.
bool is_shown(const Connector& connector, const SessionOptions& options, std::string_view name) {
  if (options.connectors == nullptr) return false;
  const engine::ConnectorKind* kind = options.connectors->find(kind_name(connector));
  if (kind == nullptr) return false;
  const auto direction = direction_of(connector);
  const auto own = connector.source ? kind->source_options : kind->sink_options;
  for (const auto& declared : {own, engine::common_options(direction)}) {
    const auto at = std::ranges::find(declared, name, &engine::ConnectorOption::name);
    if (at != declared.end()) return !at->secret;
  }
  return false;
}

std::map<std::string, std::string> shown_config(const Connector& connector,
                                                const SessionOptions& options) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : connector.options) {
    const bool shown =
        engine::secret_reference(value).has_value() || is_shown(connector, options, name);
    out[name] = shown ? value : std::string(kHidden);
  }
  return out;
}

std::string in_quotes(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    out.push_back(c);
    if (c == '\'') out.push_back(c);
  }
  return out + "'";
}

}  // namespace

std::string redacted(const Connector& connector, const SessionOptions& options) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : shown_config(connector, options))
    parts.push_back(fmt::format("{}={}", name, in_quotes(value)));
  return fmt::format("CREATE {} CONNECTOR {} WITH ({})", connector.source ? "SOURCE" : "SINK",
                     connector.name, fmt::join(parts, ", "));
}

sql::StreamInfo stream_of(const World& world, const Connector& connector) {
  sql::StreamInfo out;
  out.name = connector.name;
  out.topic = connector.topic();
  for (const auto& [name, stream] : world.catalogue.streams()) {
    if (stream.topic != out.topic) continue;
    if (stream.seal.kind != sql::SealKind::none || stream.seal.none_said) out.seal = stream.seal;
  }
  return out;
}

Result<engine::ConnectorSpec> spec_of(const World& world, const Connector& connector,
                                      const SessionOptions& options, Effects& effects) {
  engine::ConnectorSpec out;
  out.name = connector.name;
  out.direction = direction_of(connector);
  out.kind = TRY(kind_of(connector, options));
  out.texts = connector.options;
  out.stream.stream = stream_of(world, connector);
  if (connector.source) {
    const auto read =
        TRY(engine::read_options(*out.kind, out.direction, out.texts, options.connector_rules,
                                 /*resolve=*/false));
    out.tasks = TRY(out.kind->tasks(read));
    return out;
  }
  const auto topic = TRY(effects.topic(TRY(topics::TopicName::parse(connector.topic()))));
  out.tasks = topic ? topic->partitions : 0;
  if (out.tasks > 0 && out.tasks <= engine::kConnectorTasksMax) return out;
  return fail(
      ErrorCode::failed_precondition,
      fmt::format("Connector '{}': topic '{}' has {} partitions; a sink reads 1 to {}.",
                  connector.name, connector.topic(), out.tasks, engine::kConnectorTasksMax));
}

Result<> check_connector(const World& world, const Connector& connector,
                         const SessionOptions& options, const seal::KeySource* keys, bool resolve) {
  const engine::ConnectorKind* kind = TRY(kind_of(connector, options));
  const auto direction = direction_of(connector);
  const auto read = TRY(
      engine::read_options(*kind, direction, connector.options, options.connector_rules, resolve));
  TRY_IN(topics::TopicName::parse(connector.topic()), "option 'topic'");
  if (connector.source) TRY(kind->tasks(read));
  TRY(kind->check(
      direction, {.connector = connector.name, .options = read, .rules = options.connector_rules}));
  return check_seal(stream_of(world, connector), keys, connector.source ? Use::write : Use::read);
}

Result<> ensure_connector_topics(const World& world, const Connector& connector,
                                 const SessionOptions& options, Effects& effects) {
  sql::StreamInfo stream = stream_of(world, connector);
  if (!connector.source) return ensure_topics(stream, std::nullopt, effects);
  // What streams over it say of a topic that is to be made holds for the source too.
  std::int32_t wanted = options.default_partitions.value_or(1);
  for (const auto& [name, over] : world.catalogue.streams()) {
    if (over.topic != stream.topic) continue;
    wanted = over.partitions.value_or(wanted);
    if (over.retention_ms) stream.retention_ms = over.retention_ms;
  }
  const auto partitions = connector.options.find("partitions");
  if (partitions != connector.options.end())
    stream.partitions = static_cast<std::int32_t>(std::atoi(partitions->second.c_str()));
  return ensure_topics(stream, wanted, effects);
}

Result<Accepted> end_of_connector(const World& world, const Connector& connector,
                                  const std::string& text, Origin origin,
                                  const SessionOptions& options, Effects& effects) {
  const auto spec = spec_of(world, connector, options, effects);
  return Accepted{.kind = Accepted::Kind::drop_connector,
                  .name = connector.name,
                  .query_id = engine::ConnectorSpec::connector_id(connector.name).value(),
                  .statement = text,
                  .origin = origin,
                  .tasks = spec ? spec->tasks : 1};
}

Result<> check_no_connector(const World& world, const sql::StreamInfo& stream) {
  if (stream.seal.kind == sql::SealKind::none) return {};
  std::vector<std::string> users;
  for (const auto& [name, connector] : world.connectors)
    if (connector.topic() == stream.topic) users.push_back(name);
  if (users.empty()) return {};
  return fail(ErrorCode::failed_precondition,
              fmt::format("Cannot drop {0}: it says how topic '{1}' is sealed, which these "
                          "connectors use: [{2}]. DROP CONNECTOR {3} comes first.",
                          stream.name, stream.topic, fmt::join(users, ", "), users.front()));
}

std::vector<ConnectorRow> connector_rows(const std::map<std::string, Connector>& connectors,
                                         const engine::ConnectorRuntime* runtime,
                                         const SessionOptions& options) {
  std::vector<engine::ConnectorStats> stats;
  if (runtime != nullptr) stats = runtime->stats();
  std::vector<ConnectorRow> out;
  for (const auto& [name, connector] : connectors) {
    ConnectorRow row{.name = name,
                     .kind = kind_name(connector),
                     .topic = connector.topic(),
                     .source = connector.source,
                     .statement = redacted(connector, options),
                     .config = shown_config(connector, options),
                     .stats = {}};
    const auto at = std::ranges::find(stats, name, &engine::ConnectorStats::name);
    if (at != stats.end()) row.stats = *at;
    if (at == stats.end() && connector.paused) row.stats.state = engine::ConnectorState::paused;
    row.tasks = static_cast<std::int32_t>(std::max<std::size_t>(1, row.stats.tasks.size()));
    out.push_back(std::move(row));
  }
  return out;
}

namespace {

std::string connector_command(std::string_view name, std::string_view action) {
  return fmt::format("connector/`{}`/{}", name, action);
}

Accepted record_of_connector(const Connector& connector) {
  return {.kind = Accepted::Kind::create_connector,
          .name = connector.name,
          .query_id = {},
          .statement = connector.statement,
          .origin = connector.origin};
}

Error connector_exists(const Connector& there) {
  return Error(ErrorCode::already_exists,
               fmt::format("Connector {} already exists. DROP CONNECTOR {}; comes before another "
                           "one of its name, and forgets where it was.",
                           there.name, there.name));
}

// What a statement finds whose connector is there. Nothing: go on.
Result<std::optional<CommandResult>> existing_connector(const DefinitionContext& context,
                                                        const Connector& now, bool if_not_exists) {
  const auto found = context.world.connectors.find(now.name);
  if (found == context.world.connectors.end() || context.replayed != nullptr) return std::nullopt;
  const Connector& there = found->second;
  if (if_not_exists)
    return CommandResult{.command_id = connector_command(now.name, "create"),
                         .message = fmt::format("Cannot add connector `{}`: A connector with the "
                                                "same name already exists.",
                                                now.name),
                         .query_id = {},
                         .warning = true};
  const bool same = context.again == Again::resume && same_text(there.statement, now.statement);
  if (!same) return fail(connector_exists(there));
  if (is_adopted(context, there.origin)) return std::nullopt;
  return CommandResult{.command_id = connector_command(now.name, "create"),
                       .message = "Connector exists",
                       .query_id = {}};
}

Result<> start_new(const DefinitionContext& context, const Connector& connector) {
  const Result<> started = context.effects.start_connector(context.world, connector);
  if (started) return {};
  context.world.connectors.erase(connector.name);
  TRY(context.effects.record({TRY(end_of_connector(context.world, connector, {}, context.origin,
                                                   context.options, context.effects))}));
  return fail(started.error().in(fmt::format("starting connector {}", connector.name)));
}

}  // namespace

Result<CommandResult> create_connector(const DefinitionContext& context, const std::string& text,
                                       const sql::CreateConnector& create) {
  Connector connector{.name = create.name,
                      .source = create.source,
                      .options = create.options,
                      .statement = text,
                      .origin = context.origin};
  if (auto there = TRY(existing_connector(context, connector, create.if_not_exists)))
    return *std::move(there);
  const bool runs = context.world.connectors.contains(connector.name);
  if (context.replayed == nullptr) {
    if (context.world.connectors.size() >= engine::kConnectorsMax)
      return fail(
          ErrorCode::limit_exceeded,
          fmt::format("there are {} connectors, the most that may be", engine::kConnectorsMax));
    const bool looks_secrets_up = !context.topics_later;
    // Two configurations can be compared where no connectors are; what runs checks when it starts.
    const bool only_compared = context.options.connectors == nullptr && context.topics_later;
    if (!only_compared)
      TRY(check_connector(context.world, connector, context.options, context.keys,
                          looks_secrets_up));
    if (!context.topics_later)
      TRY(ensure_connector_topics(context.world, connector, context.options, context.effects));
  }
  TRY(context.effects.record({record_of_connector(connector)}));
  CommandResult result{.command_id = connector_command(connector.name, "create"),
                       .message = fmt::format("Created connector {}", connector.name),
                       .query_id = {},
                       .sequence = accept(context)};
  const Connector& kept =
      context.world.connectors.insert_or_assign(connector.name, connector).first->second;
  if (!runs) TRY(start_new(context, Connector(kept)));
  return result;
}

Result<CommandResult> drop_connector(const DefinitionContext& context, const std::string& text,
                                     const sql::DropConnector& drop) {
  CommandResult result{.command_id = connector_command(drop.name, "drop"),
                       .message = fmt::format("Dropped connector \"{}\"", drop.name),
                       .query_id = {}};
  const auto found = context.world.connectors.find(drop.name);
  if (found == context.world.connectors.end()) {
    result.message = fmt::format("Connector '{}' does not exist.", drop.name);
    result.warning = true;
    if (drop.if_exists || context.replayed != nullptr || context.repeated) return result;
    return fail(ErrorCode::not_found, result.message + " SHOW CONNECTORS lists them.");
  }
  if (context.spares_files && found->second.origin == Origin::file) {
    result.message =
        fmt::format("Connector {} is of a newer configuration and left alone.", drop.name);
    result.warning = true;
    return result;
  }
  TRY(context.effects.record({TRY(end_of_connector(
      context.world, found->second, text, context.origin, context.options, context.effects))}));
  context.world.connectors.erase(found);
  result.sequence = accept(context);
  TRY_IN(context.effects.stop_connector(drop.name, /*forget=*/true),
         "the connector has ended, but its position is not forgotten yet; the next start does "
         "that");
  return result;
}

Result<CommandResult> pause_connector(const DefinitionContext& context, const std::string& text,
                                      const sql::PauseConnector& pause) {
  if (context.topics_later && !context.repeated)
    return fail(ErrorCode::failed_precondition,
                "PAUSE and RESUME stand in a file, which would do so at every start. Take them "
                "out; `penstock sql` pauses and resumes, and it holds over restarts.");
  const auto found = context.world.connectors.find(pause.name);
  const std::string_view action = pause.pause ? "pause" : "resume";
  CommandResult result{.command_id = connector_command(pause.name, action),
                       .message = fmt::format("Connector {}d.", action),
                       .query_id = {}};
  if (found == context.world.connectors.end()) {
    if (!context.repeated)
      return fail(
          ErrorCode::not_found,
          fmt::format("Connector '{}' does not exist. SHOW CONNECTORS lists them.", pause.name));
    result.warning = true;
    return result;
  }
  TRY(context.effects.record(
      {{.kind = pause.pause ? Accepted::Kind::pause_connector : Accepted::Kind::resume_connector,
        .name = pause.name,
        .query_id = {},
        .statement = text,
        .origin = context.origin}}));
  result.sequence = accept(context);
  if (std::exchange(found->second.paused, pause.pause) == pause.pause) return result;
  TRY_IN(context.effects.pause_connector(pause.name, pause.pause),
         fmt::format("connector {}", pause.name));
  return result;
}

}  // namespace penstock::session
