#include "session/show_statements.h"

#include <fmt/format.h>

#include "base/ascii.h"
#include "engine/dead_letter.h"
#include "session/connector_definitions.h"
#include "session/dry_effects.h"
#include "session/properties.h"
#include "session/query_ids.h"

namespace penstock::session {
namespace {

QueryRow row_of(const PersistentQuery& query, const std::vector<engine::QueryStats>& stats) {
  QueryRow row{.id = query.id,
               .statement = query.statement,
               .sink = query.sink,
               .sink_topic = query.sink_topic,
               .dead_letters_topic = engine::dead_letters_topic(query.id),
               .stats = {}};
  const auto at = std::ranges::find(stats, query.id, [](const auto& s) { return s.id.value(); });
  if (at != stats.end()) row.stats = *at;
  row.stats.id = engine::QueryId(query.id);
  return row;
}

// Our own bookkeeping is not shown, as ksqlDB hides its internal topics.
bool is_hidden(const topics::TopicName& topic) {
  return topic.text().starts_with("_");
}

Result<TopicList> list_topics(const ShowContext& context, bool extended) {
  TopicList out{.topics = {}, .extended = extended};
  for (const topics::TopicName& topic : TRY(context.log.list())) {
    if (is_hidden(topic)) continue;
    auto info = context.log.describe(topic);
    if (!info && info.error().code() == ErrorCode::not_found) continue;  // removed just now
    if (!info) return fail(std::move(info).error());
    TopicRow row{.name = topic.text(), .partitions = info->spec.partitions, .records = 0};
    for (const auto& range : info->partitions) {
      row.records += static_cast<std::uint64_t>(range.end - range.first);
    }
    out.topics.push_back(std::move(row));
  }
  return out;
}

FunctionList list_functions() {
  FunctionList out;
  for (const sql::ScalarFunction& function : engine::builtin_functions().all()) {
    if (!function.name.starts_with('$')) out.functions.push_back(&function);
  }
  return out;
}

Error unknown_source(std::string_view name) {
  return Error(ErrorCode::not_found,
               fmt::format("Could not find STREAM/TABLE '{}' in the Metastore. SHOW STREAMS lists "
                           "what is there.",
                           name));
}

QueryDescription of_plan(const sql::PlanNode& plan, std::string_view text) {
  QueryDescription out{.id = {},
                       .statement = std::string(text),
                       .plan = sql::to_text(plan),
                       .schema = plan.schema,
                       .sources = {},
                       .sinks = {},
                       .stats = std::nullopt};
  for (const sql::StreamInfo* source : sources_of(plan)) out.sources.push_back(source->name);
  if (const sql::SinkStep* sink = sink_of(plan)) out.sinks.push_back(sink->stream.name);
  return out;
}

}  // namespace

std::vector<QueryRow> query_rows(const std::map<std::string, PersistentQuery>& queries,
                                 const engine::Runtime& runtime) {
  const auto stats = runtime.stats();
  std::vector<QueryRow> out;
  for (const auto& [id, query] : queries) out.push_back(row_of(query, stats));
  return out;
}

static ConnectorPluginList connector_plugins(const SessionOptions& options) {
  ConnectorPluginList out;
  if (options.connectors == nullptr) return out;
  for (const engine::ConnectorKind& kind : options.connectors->all())
    out.plugins.push_back({.name = std::string(kind.name),
                           .help = std::string(kind.help),
                           .source = !kind.source_options.empty(),
                           .sink = !kind.sink_options.empty()});
  return out;
}

static Result<ResultBody> describe_connector(const ShowContext& context, const std::string& name) {
  const auto at = context.world.connectors.find(name);
  if (at == context.world.connectors.end())
    return fail(ErrorCode::not_found,
                fmt::format("Connector '{}' does not exist. SHOW CONNECTORS lists them.", name));
  ConnectorDescription out{
      .connector = connector_rows({*at}, context.connectors, context.options).front(),
      .streams = {}};
  for (const auto& [stream, info] : context.world.catalogue.streams())
    if (info.topic == out.connector.topic) out.streams.push_back(stream);
  return out;
}

static NamedTexts named_texts(const ShowContext& context, sql::ShowStatement::What what) {
  NamedTexts out{.what = what};
  if (what == sql::ShowStatement::What::types) {
    for (const auto& [name, type] : context.world.catalogue.types())
      out.rows.emplace_back(name, type.type.text());
  } else if (what == sql::ShowStatement::What::variables) {
    for (const auto& [name, value] : context.variables) out.rows.emplace_back(name, value);
  }
  return out;
}

Result<ResultBody> show(const ShowContext& context, const sql::ShowStatement& statement) {
  using What = sql::ShowStatement::What;
  switch (statement.what) {
    case What::streams: {
      StreamList out{.streams = {}, .extended = statement.extended};
      for (const auto& [name, stream] : context.world.catalogue.streams()) {
        if (!stream.is_table()) out.streams.push_back(stream);
      }
      return out;
    }
    case What::tables: {
      TableList out{.tables = {}, .extended = statement.extended};
      for (const auto& [name, source] : context.world.catalogue.streams()) {
        if (source.is_table()) out.tables.push_back(source);
      }
      return out;
    }
    case What::topics:
      return TRY(list_topics(context, statement.extended));
    case What::queries:
      return QueryList{
          query_rows(context.world.queries, context.runtime),
          context.pushes != nullptr ? context.pushes->rows() : std::vector<PushQueryRow>()};
    case What::functions:
      return list_functions();
    case What::properties:
      return PropertyList{list_properties(context.properties)};
    case What::connectors: {
      ConnectorList out{
          connector_rows(context.world.connectors, context.connectors, context.options)};
      if (statement.source)
        std::erase_if(out.connectors,
                      [&](const ConnectorRow& row) { return row.source != *statement.source; });
      return out;
    }
    case What::connector_plugins:
      return connector_plugins(context.options);
    case What::variables:
    case What::types:
      break;
  }
  return named_texts(context, statement.what);
}

static Result<StreamDescription> describe_source(const ShowContext& context, std::string_view name,
                                                 bool extended);

Result<ResultBody> describe(const ShowContext& context, const sql::DescribeStatement& statement) {
  if (statement.what == sql::DescribeStatement::What::function) {
    const auto* function = engine::builtin_functions().find(upper(statement.name));
    if (function == nullptr || function->name.starts_with('$')) {
      return fail(ErrorCode::not_found,
                  fmt::format("Can't find any functions with the name '{}'. SHOW "
                              "FUNCTIONS lists them.",
                              statement.name));
    }
    return FunctionDescription{function};
  }
  if (statement.what == sql::DescribeStatement::What::connector)
    return describe_connector(context, statement.name);
  return TRY(describe_source(context, statement.name, statement.extended));
}

Result<ResultBody> describe_all(const ShowContext& context, const sql::DescribeAll& statement) {
  StreamDescriptions out;
  for (const auto& [name, source] : context.world.catalogue.streams()) {
    if (source.kind == statement.kind)
      out.streams.push_back(TRY(describe_source(context, name, statement.extended)));
  }
  return out;
}

Result<StreamDescription> describe_source(const ShowContext& context, std::string_view name,
                                          bool extended) {
  const sql::StreamInfo* stream = context.world.catalogue.find(name);
  if (stream == nullptr) return fail(unknown_source(name));
  StreamDescription out{
      .stream = *stream, .partitions = 0, .readers = {}, .writers = {}, .extended = extended};
  const auto topic = TRY(topics::TopicName::parse(stream->topic));
  const auto spec = TRY(topic_in(context.log, topic));
  out.partitions = spec ? spec->partitions : 0;
  const auto stats = context.runtime.stats();
  for (const auto& [id, query] : context.world.queries) {
    if (std::ranges::find(query.sources, stream->name) != query.sources.end()) {
      out.readers.push_back(row_of(query, stats));
    }
    if (query.sink == stream->name) out.writers.push_back(row_of(query, stats));
  }
  return out;
}

Result<ResultBody> explain(const ShowContext& context, const sql::ExplainStatement& statement) {
  if (statement.query_id) {
    const PersistentQuery* query = find_query(context.world, *statement.query_id);
    if (query == nullptr) {
      return fail(ErrorCode::not_found,
                  fmt::format("Query with id:{} does not exist, use SHOW QUERIES to view the full "
                              "set of queries.",
                              *statement.query_id));
    }
    QueryDescription out = of_plan(*query->plan, query->statement);
    out.id = query->id;
    out.stats = row_of(*query, context.runtime.stats()).stats;
    return out;
  }
  const sql::Statement& explained = *statement.statement;
  if (const auto* select = std::get_if<sql::SelectQuery>(&explained.node)) {
    return of_plan(*select->plan, explained.text);
  }
  if (const auto* create = std::get_if<sql::CreateStreamAs>(&explained.node)) {
    return of_plan(*create->plan, explained.text);
  }
  if (const auto* insert = std::get_if<sql::InsertSelect>(&explained.node)) {
    return of_plan(*insert->plan, explained.text);
  }
  return fail(
      ErrorCode::invalid_statement,
      "EXPLAIN: expected a query: SELECT, CREATE STREAM AS SELECT or INSERT INTO ... SELECT");
}

}  // namespace penstock::session
