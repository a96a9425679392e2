#include "session/entities.h"

#include <fmt/format.h>

#include "session/connector_shapes.h"

namespace penstock::session {
namespace {

OrderedJson entity(std::string_view type, const StatementResult& result) {
  OrderedJson out;
  out["@type"] = type;
  out["statementText"] = result.statement + ";";
  out["warnings"] = OrderedJson::array();
  return out;
}

std::string_view base_name(const data::Type& type) {
  switch (type.kind()) {
    case data::TypeKind::decimal:
      return "DECIMAL";
    case data::TypeKind::array:
      return "ARRAY";
    case data::TypeKind::map:
      return "MAP";
    case data::TypeKind::struct_:
      return "STRUCT";
    default:
      return {};
  }
}

OrderedJson schema_of(const data::Type& type) {
  OrderedJson out;
  const std::string_view base = base_name(type);
  out["type"] = base.empty() ? type.text() : std::string(base);
  out["fields"] = nullptr;
  out["memberSchema"] = nullptr;
  if (type.kind() == data::TypeKind::decimal) {
    out["parameters"]["precision"] = type.precision();
    out["parameters"]["scale"] = type.scale();
  } else if (type.kind() == data::TypeKind::struct_) {
    out["fields"] = OrderedJson::array();
    for (const data::TypeField& field : type.fields()) {
      OrderedJson item;
      item["name"] = field.name;
      item["schema"] = schema_of(field.type);
      out["fields"].push_back(std::move(item));
    }
  } else if (type.is_nested()) {
    out["memberSchema"] = schema_of(type.fields().back().type);
  }
  return out;
}

OrderedJson fields_of(const data::Schema& schema) {
  OrderedJson out = OrderedJson::array();
  for (const data::ColumnSchema& column : schema.columns) {
    OrderedJson field;
    field["name"] = column.name;
    field["schema"] = schema_of(column.type);
    if (column.role == data::ColumnRole::key) field["type"] = "KEY";
    out.push_back(std::move(field));
  }
  return out;
}

OrderedJson query_of(const QueryRow& row) {
  const std::string_view state = engine::name_of(row.stats.state);
  OrderedJson out;
  out["queryString"] = row.statement + ";";
  out["sinks"] = OrderedJson::array({row.sink});
  out["sinkKafkaTopics"] = OrderedJson::array({row.sink_topic});
  out["id"] = row.id;
  out["statusCount"][std::string(state)] = 1;
  out["queryType"] = "PERSISTENT";
  out["state"] = state;
  return out;
}

OrderedJson push_of(const PushQueryRow& row) {
  OrderedJson out;
  out["queryString"] = row.statement + ";";
  out["sinks"] = OrderedJson::array();
  out["sinkKafkaTopics"] = OrderedJson::array();
  out["id"] = row.id;
  out["statusCount"]["RUNNING"] = 1;
  out["queryType"] = "PUSH";
  out["state"] = "RUNNING";
  return out;
}

OrderedJson queries_of(const std::vector<QueryRow>& rows) {
  OrderedJson out = OrderedJson::array();
  for (const QueryRow& row : rows) out.push_back(query_of(row));
  return out;
}

OrderedJson strings(const std::vector<std::string>& texts) {
  OrderedJson out = OrderedJson::array();
  for (const std::string& text : texts) out.push_back(text);
  return out;
}

// Positions of the queries that read the stream, per query as ksqlDB shows them per consumer group.
OrderedJson offsets_of(const StreamDescription& described) {
  OrderedJson out = OrderedJson::array();
  for (const QueryRow& query : described.readers) {
    OrderedJson topic;
    topic["kafkaTopic"] = described.stream.topic;
    topic["offsets"] = OrderedJson::array();
    for (const engine::PartitionProgress& progress : query.stats.progress) {
      OrderedJson offset;
      offset["partition"] = progress.partition;
      offset["logStartOffset"] = 0;
      offset["logEndOffset"] = progress.end;
      offset["consumerOffset"] = progress.position;
      topic["offsets"].push_back(std::move(offset));
    }
    OrderedJson summary;
    summary["groupId"] = query.id;
    summary["topicSummaries"] = OrderedJson::array({std::move(topic)});
    out.push_back(std::move(summary));
  }
  return out;
}

// One method per result; the statement's result and the context are at hand for all.
struct Shaper {
  const StatementResult& result;
  const EntityContext& context;
  using Shape = std::optional<OrderedJson>;

  Shape operator()(const CommandResult& command) const {
    if (command.command_id.empty()) return std::nullopt;
    if (command.warning) {
      OrderedJson out = entity("warning_entity", result);
      out["message"] = command.message;
      return out;
    }
    OrderedJson out = entity("currentStatus", result);
    out["commandId"] = command.command_id;
    out["commandStatus"]["status"] = "SUCCESS";
    out["commandStatus"]["message"] = command.message;
    out["commandStatus"]["queryId"] =
        command.query_id.empty() ? OrderedJson(nullptr) : OrderedJson(command.query_id);
    out["commandSequenceNumber"] = command.sequence;
    return out;
  }

  Shape operator()(const StreamList& list) const {
    if (list.extended) return extended_streams(list);
    OrderedJson out = entity("streams", result);
    out["streams"] = OrderedJson::array();
    for (const sql::StreamInfo& stream : list.streams) out["streams"].push_back(row_of(stream));
    return out;
  }

  OrderedJson extended_streams(const StreamList& list) const {
    OrderedJson out = entity("source_descriptions", result);
    out["sourceDescriptions"] = OrderedJson::array();
    for (const sql::StreamInfo& stream : list.streams) {
      StreamDescription described;
      described.stream = stream;
      described.extended = true;
      out["sourceDescriptions"].push_back(source(described));
    }
    return out;
  }

  Shape operator()(const TableList& list) const {
    if (list.extended) return extended_streams({.streams = list.tables, .extended = true});
    OrderedJson out = entity("tables", result);
    out["tables"] = OrderedJson::array();
    for (const sql::StreamInfo& table : list.tables) out["tables"].push_back(row_of(table));
    return out;
  }

  static OrderedJson row_of(const sql::StreamInfo& source) {
    OrderedJson row;
    row["type"] = sql::name_of(source.kind);
    row["name"] = source.name;
    row["topic"] = source.topic;
    row["keyFormat"] = sql::name_of(source.key_format);
    row["valueFormat"] = sql::name_of(source.value_format);
    row["isWindowed"] = source.window.has_value();
    return row;
  }

  Shape operator()(const StreamDescriptions& list) const {
    OrderedJson out = entity("source_descriptions", result);
    out["sourceDescriptions"] = OrderedJson::array();
    for (const StreamDescription& one : list.streams)
      out["sourceDescriptions"].push_back(source(one));
    return out;
  }

  Shape operator()(const NamedTexts& list) const {
    using What = sql::ShowStatement::What;
    if (list.what == What::types) {
      OrderedJson out = entity("type_list", result);
      out["types"] = OrderedJson::object();
      for (const auto& [name, type] : list.rows) out["types"][name] = type;
      return out;
    }
    OrderedJson out = entity("variables", result);
    out["variables"] = OrderedJson::array();
    for (const auto& [name, value] : list.rows)
      out["variables"].push_back({{"name", name}, {"value", value}});
    return out;
  }

  // session/connector_shapes.h: @type and members beside statementText and warnings.
  Shape connector(const OrderedJson& shape) const {
    OrderedJson out = entity(shape["@type"].get<std::string>(), result);
    for (const auto& [name, value] : shape.items()) out[name] = value;
    return out;
  }
  Shape operator()(const ConnectorCreated& r) const { return connector(to_shape(r)); }
  Shape operator()(const ConnectorDropped& r) const { return connector(to_shape(r)); }
  Shape operator()(const ConnectorList& r) const { return connector(to_shape(r)); }
  Shape operator()(const ConnectorPluginList& r) const { return connector(to_shape(r)); }
  Shape operator()(const ConnectorDescription& r) const { return connector(to_shape(r)); }

  Shape operator()(const AssertedTopic& asserted) const {
    OrderedJson out = entity("assert_topic", result);
    out["topicName"] = asserted.topic;
    out["exists"] = asserted.exists;
    return out;
  }

  Shape operator()(const TopicList& list) const {
    OrderedJson out = entity(list.extended ? "kafka_topics_extended" : "kafka_topics", result);
    out["topics"] = OrderedJson::array();
    for (const TopicRow& topic : list.topics) {
      OrderedJson row;
      row["name"] = topic.name;
      row["replicaInfo"] =
          OrderedJson(std::vector<int>(static_cast<std::size_t>(topic.partitions), 1));
      if (list.extended) {
        row["consumerCount"] = 0;
        row["consumerGroupCount"] = 0;
      }
      out["topics"].push_back(std::move(row));
    }
    return out;
  }

  Shape operator()(const QueryList& list) const {
    OrderedJson out = entity("queries", result);
    out["queries"] = queries_of(list.queries);
    for (const PushQueryRow& row : list.pushes) out["queries"].push_back(push_of(row));
    return out;
  }

  Shape operator()(const FunctionList& list) const {
    OrderedJson out = entity("function_names", result);
    out["functions"] = OrderedJson::array();
    for (const sql::ScalarFunction* function : list.functions) {
      OrderedJson row;
      row["name"] = function->name;
      row["type"] = sql::name_of(function->kind);
      row["category"] = function->category;
      out["functions"].push_back(std::move(row));
    }
    return out;
  }

  Shape operator()(const PropertyList& list) const {
    OrderedJson out = entity("properties", result);
    out["properties"] = OrderedJson::array();
    out["overwrittenProperties"] = OrderedJson::array();
    out["defaultProperties"] = OrderedJson::array();
    for (const PropertyRow& property : list.properties) {
      OrderedJson row;
      row["name"] = property.name;
      row["scope"] = "KSQL";
      row["value"] = property.value;
      row["editable"] = property.editable;
      row["level"] = property.level;
      out["properties"].push_back(std::move(row));
      out[property.overwritten ? "overwrittenProperties" : "defaultProperties"].push_back(
          property.name);
    }
    return out;
  }

  OrderedJson source(const StreamDescription& described) const {
    const sql::StreamInfo& stream = described.stream;
    OrderedJson out;
    out["name"] = stream.name;
    out["windowType"] = nullptr;
    if (stream.window) out["windowType"] = sql::name_of(stream.window->kind);
    out["readQueries"] = queries_of(described.readers);
    out["writeQueries"] = queries_of(described.writers);
    out["fields"] = fields_of(stream.schema);
    out["type"] = sql::name_of(stream.kind);
    out["timestamp"] = stream.timestamp_column.value_or("");
    out["statistics"] = "";
    out["errorStats"] = "";
    out["extended"] = described.extended;
    out["keyFormat"] = sql::name_of(stream.key_format);
    out["valueFormat"] = sql::name_of(stream.value_format);
    out["topic"] = stream.topic;
    out["partitions"] = described.partitions;
    out["replication"] = described.partitions == 0 ? 0 : 1;
    out["statement"] = stream.statement + ";";
    out["queryOffsetSummaries"] = described.extended ? offsets_of(described) : OrderedJson::array();
    out["sourceConstraints"] = OrderedJson::array();
    out["clusterStatistics"] = OrderedJson::array();
    out["clusterErrorStats"] = OrderedJson::array();
    return out;
  }

  Shape operator()(const StreamDescription& described) const {
    OrderedJson out = entity("sourceDescription", result);
    out["sourceDescription"] = source(described);
    return out;
  }

  Shape operator()(const FunctionDescription& described) const {
    const sql::ScalarFunction& function = *described.function;
    OrderedJson out = entity("describe_function", result);
    out["name"] = function.name;
    out["description"] = function.help;
    out["author"] = "Penstock";
    out["version"] = "";
    out["path"] = "internal";
    out["type"] = sql::name_of(function.kind);
    out["functions"] = OrderedJson::array();
    for (const sql::Overload& overload : function.overloads) {
      out["functions"].push_back(signature(overload, function));
    }
    return out;
  }

  static OrderedJson signature(const sql::Overload& overload, const sql::ScalarFunction& function) {
    OrderedJson out;
    out["arguments"] = OrderedJson::array();
    const std::vector<sql::TypePattern>& args = overload.signature.args;
    for (std::size_t i = 0; i < args.size(); ++i) {
      OrderedJson argument;
      argument["name"] = "";
      argument["type"] = args[i].text();
      argument["description"] = "";
      argument["isVariadic"] = overload.signature.variadic && i + 1 == args.size();
      out["arguments"].push_back(std::move(argument));
    }
    out["returnType"] = overload.signature.result.text();
    out["description"] = function.help;
    return out;
  }

  Shape operator()(const QueryDescription& described) const {
    OrderedJson query;
    query["id"] = described.id;
    query["statementText"] = described.statement + ";";
    query["windowType"] = nullptr;
    query["fields"] = fields_of(described.schema);
    query["sources"] = strings(described.sources);
    query["sinks"] = strings(described.sinks);
    query["topology"] = described.plan;
    query["executionPlan"] = described.plan;
    query["overriddenProperties"] = OrderedJson::object();
    query["ksqlHostQueryStatus"] = OrderedJson::object();
    query["queryType"] = described.sinks.empty() ? "PUSH" : "PERSISTENT";
    query["queryErrors"] = OrderedJson::array();
    query["tasksMetadata"] = OrderedJson::array();
    query["consumerGroupId"] = described.id;
    query["state"] = nullptr;
    if (described.stats) {
      const std::string_view state = engine::name_of(described.stats->state);
      query["state"] = state;
      query["ksqlHostQueryStatus"][context.address] = state;
      if (described.stats->error) {
        OrderedJson error;
        error["timestamp"] = 0;
        error["type"] = facts_of(described.stats->error->code()).name;
        error["errorMessage"] = described.stats->error->text();
        query["queryErrors"].push_back(std::move(error));
      }
    }
    OrderedJson out = entity("queryDescription", result);
    out["queryDescription"] = std::move(query);
    return out;
  }
};

}  // namespace

std::optional<OrderedJson> to_entity(const StatementResult& result, const EntityContext& context) {
  return std::visit(Shaper{result, context}, result.body);
}

OrderedJson to_entities(const ScriptResult& script, const EntityContext& context) {
  OrderedJson out = OrderedJson::array();
  for (const StatementResult& result : script.done) {
    if (auto shaped = to_entity(result, context)) out.push_back(*std::move(shaped));
  }
  return out;
}

}  // namespace penstock::session
