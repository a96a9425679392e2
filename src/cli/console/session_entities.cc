#include "cli/console/session_entities.h"

#include "format/row_json.h"
#include "session/connector_shapes.h"
#include "sql/function.h"

namespace penstock::cli {
namespace {

OrderedJson fields_json(const data::Schema& schema) {
  OrderedJson fields = OrderedJson::array();
  for (const data::ColumnSchema& column : schema.columns) {
    OrderedJson field = {{"name", column.name}, {"schema", {{"type", column.type.text()}}}};
    if (column.role == data::ColumnRole::key) field["type"] = "KEY";
    fields.push_back(std::move(field));
  }
  return fields;
}

OrderedJson query_json(const session::QueryRow& query) {
  return {{"queryString", query.statement},
          {"sinks", {query.sink}},
          {"sinkKafkaTopics", {query.sink_topic}},
          {"id", query.id},
          {"queryType", "PERSISTENT"},
          {"state", engine::name_of(query.stats.state)}};
}

OrderedJson push_json(const session::PushQueryRow& query) {
  return {{"queryString", query.statement},
          {"sinks", OrderedJson::array()},
          {"sinkKafkaTopics", OrderedJson::array()},
          {"id", query.id},
          {"queryType", "PUSH"},
          {"state", "RUNNING"}};
}

OrderedJson queries_json(const std::vector<session::QueryRow>& queries) {
  OrderedJson out = OrderedJson::array();
  for (const session::QueryRow& query : queries) out.push_back(query_json(query));
  return out;
}

struct EntityOf {
  OrderedJson operator()(const session::CommandResult& r) const {
    if (r.warning) return {{"@type", "warning_entity"}, {"message", r.message}};
    return {
        {"@type", "currentStatus"},
        {"commandId", r.command_id},
        {"commandStatus", {{"status", "SUCCESS"}, {"message", r.message}, {"queryId", r.query_id}}},
        {"commandSequenceNumber", r.sequence}};
  }
  OrderedJson operator()(const session::StreamList& r) const {
    OrderedJson streams = OrderedJson::array();
    for (const sql::StreamInfo& stream : r.streams) streams.push_back(row_json(stream));
    return {{"@type", "streams"}, {"streams", std::move(streams)}};
  }
  static OrderedJson row_json(const sql::StreamInfo& source) {
    return {{"type", sql::name_of(source.kind)},
            {"name", source.name},
            {"topic", source.topic},
            {"keyFormat", sql::name_of(source.key_format)},
            {"valueFormat", sql::name_of(source.value_format)},
            {"isWindowed", source.window.has_value()}};
  }
  OrderedJson operator()(const session::TableList& r) const {
    OrderedJson tables = OrderedJson::array();
    for (const sql::StreamInfo& table : r.tables) tables.push_back(row_json(table));
    return {{"@type", "tables"}, {"tables", std::move(tables)}};
  }
  OrderedJson operator()(const session::StreamDescriptions& r) const {
    OrderedJson sources = OrderedJson::array();
    for (const session::StreamDescription& one : r.streams)
      sources.push_back((*this)(one)["sourceDescription"]);
    return {{"@type", "source_descriptions"}, {"sourceDescriptions", std::move(sources)}};
  }
  OrderedJson operator()(const session::NamedTexts& r) const {
    using What = sql::ShowStatement::What;
    OrderedJson rows = OrderedJson::array(), types = OrderedJson::object();
    for (const auto& [name, text] : r.rows) {
      rows.push_back({{"name", name}, {"value", text}});
      types[name] = text;
    }
    if (r.what == What::types) return {{"@type", "type_list"}, {"types", std::move(types)}};
    return {{"@type", "variables"}, {"variables", std::move(rows)}};
  }
  OrderedJson operator()(const session::ConnectorCreated& r) const { return session::to_shape(r); }
  OrderedJson operator()(const session::ConnectorDropped& r) const { return session::to_shape(r); }
  OrderedJson operator()(const session::ConnectorList& r) const { return session::to_shape(r); }
  OrderedJson operator()(const session::ConnectorPluginList& r) const {
    return session::to_shape(r);
  }
  OrderedJson operator()(const session::ConnectorDescription& r) const {
    return session::to_shape(r);
  }
  OrderedJson operator()(const session::AssertedTopic& r) const {
    return {{"@type", "assert_topic"}, {"topicName", r.topic}, {"exists", r.exists}};
  }
  OrderedJson operator()(const session::TopicList& r) const {
    OrderedJson topics = OrderedJson::array();
    for (const session::TopicRow& topic : r.topics)
      topics.push_back(
          {{"name", topic.name},
           {"replicaInfo", std::vector<int>(static_cast<std::size_t>(topic.partitions), 1)}});
    return {{"@type", "kafka_topics"}, {"topics", std::move(topics)}};
  }
  OrderedJson operator()(const session::QueryList& r) const {
    OrderedJson queries = queries_json(r.queries);
    for (const session::PushQueryRow& row : r.pushes) queries.push_back(push_json(row));
    return {{"@type", "queries"}, {"queries", std::move(queries)}};
  }
  OrderedJson operator()(const session::FunctionList& r) const {
    OrderedJson functions = OrderedJson::array();
    for (const sql::ScalarFunction* function : r.functions)
      functions.push_back(
          {{"name", function->name}, {"type", "SCALAR"}, {"category", function->category}});
    return {{"@type", "function_names"}, {"functions", std::move(functions)}};
  }
  OrderedJson operator()(const session::PropertyList& r) const {
    OrderedJson properties = OrderedJson::array(), changed = OrderedJson::array();
    for (const session::PropertyRow& property : r.properties) {
      properties.push_back({{"name", property.name},
                            {"scope", "KSQL"},
                            {"value", property.value},
                            {"editable", property.editable},
                            {"level", property.level}});
      if (property.overwritten) changed.push_back(property.name);
    }
    return {{"@type", "properties"},
            {"properties", std::move(properties)},
            {"overwrittenProperties", std::move(changed)}};
  }
  OrderedJson operator()(const session::StreamDescription& r) const {
    return {{"@type", "sourceDescription"},
            {"sourceDescription",
             {{"name", r.stream.name},
              {"readQueries", queries_json(r.readers)},
              {"writeQueries", queries_json(r.writers)},
              {"fields", fields_json(r.stream.schema)},
              {"type", sql::name_of(r.stream.kind)},
              {"timestamp", r.stream.timestamp_column.value_or("")},
              {"extended", r.extended},
              {"keyFormat", sql::name_of(r.stream.key_format)},
              {"valueFormat", sql::name_of(r.stream.value_format)},
              {"topic", r.stream.topic},
              {"partitions", r.partitions},
              {"statement", r.stream.statement}}}};
  }
  OrderedJson operator()(const session::FunctionDescription& r) const {
    return {{"@type", "describe_function"},
            {"name", r.function->name},
            {"description", r.function->help},
            {"type", sql::name_of(r.function->kind)}};
  }
  OrderedJson operator()(const session::QueryDescription& r) const {
    OrderedJson description = {{"id", r.id},
                               {"statementText", r.statement},
                               {"fields", fields_json(r.schema)},
                               {"sources", r.sources},
                               {"sinks", r.sinks},
                               {"executionPlan", r.plan}};
    if (r.stats) description["state"] = engine::name_of(r.stats->state);
    return {{"@type", "queryDescription"}, {"queryDescription", std::move(description)}};
  }
};

}  // namespace

OrderedJson entity_of(const session::StatementResult& result) {
  OrderedJson entity = std::visit(EntityOf{}, result.body);
  entity["statementText"] = result.statement;
  return entity;
}

std::vector<std::string> cells_of(const engine::PushQuery::Row& row, const data::Schema& schema) {
  std::vector<std::string> cells;
  for (std::size_t i = 0; i < row.size() && i < schema.columns.size(); ++i)
    format::append_json(cells.emplace_back(), row[i], schema.columns[i].type);
  return cells;
}

}  // namespace penstock::cli
