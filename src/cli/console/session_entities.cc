#include "cli/console/session_entities.h"

#include <cmath>

#include <fmt/format.h>

#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"
#include "session/connector_shapes.h"
#include "sql/function.h"

namespace penstock::cli {
namespace {

std::string json_string_of(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string integer_text(std::int32_t value, const data::Type& type) {
  if (type.kind() == data::TypeKind::date) return json_string_of(data::date_text(value));
  if (type.kind() == data::TypeKind::time) return json_string_of(data::time_text(value));
  return std::to_string(value);
}

// How one value looks as JSON, as ksqlDB's answers have it.
struct ValueText {
  const data::Type& type;

  std::string operator()(data::Null) const { return "null"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int32_t value) const { return integer_text(value, type); }
  std::string operator()(std::int64_t value) const {
    if (type.kind() == data::TypeKind::timestamp)
      return json_string_of(data::timestamp_text(value));
    return std::to_string(value);
  }
  std::string operator()(double value) const {
    std::string text = data::double_text(value);
    return std::isfinite(value) ? text : json_string_of(text);
  }
  std::string operator()(data::Int128 value) const {
    return data::decimal_text(value, type.scale());
  }
  std::string operator()(const std::string& value) const {
    if (type.kind() == data::TypeKind::bytes) return json_string_of(to_base64(as_bytes(value)));
    return json_string_of(value);
  }
  std::string operator()(const data::ListValue& list) const {
    const bool object = type.kind() == data::TypeKind::struct_;
    std::string text;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) text += ',';
      if (object) text += json_string_of(type.fields()[i].name) + ":";
      const data::Type& part = object ? type.fields()[i].type : type.element();
      text += std::visit(ValueText{part}, list.items[i]);
    }
    return object ? "{" + text + "}" : "[" + text + "]";
  }
  std::string operator()(const data::MapValue& map) const {
    std::string text;
    for (std::size_t i = 0; i < map.keys.size(); ++i) {
      const std::string key = std::visit(ValueText{type.key()}, map.keys[i]);
      text += (i > 0 ? "," : "") + (key.starts_with('"') ? key : json_string_of(key)) + ":" +
              std::visit(ValueText{type.value()}, map.values[i]);
    }
    return "{" + text + "}";
  }
};

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
    cells.push_back(std::visit(ValueText{schema.columns[i].type}, row[i]));
  return cells;
}

}  // namespace penstock::cli
