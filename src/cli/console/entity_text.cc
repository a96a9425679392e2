#include "cli/console/entity_text.h"

#include <array>

#include <fmt/format.h>

#include "cli/console/cell_text.h"

namespace penstock::cli {
namespace {

const OrderedJson kNothing;  // immutable

const OrderedJson& member(const OrderedJson& object, const char* name) {
  if (!object.is_object()) return kNothing;
  auto found = object.find(name);
  return found == object.end() ? kNothing : *found;
}

// Any member as a cell.
std::string text_of(const OrderedJson& object, const char* name) {
  const OrderedJson& value = member(object, name);
  if (value.is_null()) return "";
  if (value.is_string()) return printable(value.get_ref<const std::string&>());
  return printable(value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
}

std::string joined_items(const OrderedJson& list) {
  std::string out;
  for (const OrderedJson& item : list)
    if (item.is_string()) out += (out.empty() ? "" : ", ") + item.get_ref<const std::string&>();
  return printable(out);
}

std::string type_text(const OrderedJson& schema) {
  std::string type = text_of(schema, "type");
  const OrderedJson& parameters = member(schema, "parameters");
  if (type == "DECIMAL" && parameters.is_object())
    return fmt::format("DECIMAL({}, {})", text_of(parameters, "precision"),
                       text_of(parameters, "scale"));
  if (type == "ARRAY" || type == "MAP")
    return fmt::format("{}<{}{}>", type, type == "MAP" ? "STRING, " : "",
                       type_text(member(schema, "memberSchema")));
  if (type != "STRUCT") return type;
  std::string fields;
  for (const OrderedJson& field : member(schema, "fields"))
    fields += (fields.empty() ? "" : ", ") + text_of(field, "name") + " " +
              type_text(member(field, "schema"));
  return fmt::format("STRUCT<{}>", fields);
}

std::string fields_table(const OrderedJson& fields, const TextStyle& style) {
  Table table{{{"Field"}, {"Type"}}, {}};
  for (const OrderedJson& field : fields) {
    std::string type = type_text(member(field, "schema"));
    if (text_of(field, "type") == "KEY") type += "  (key)";
    table.rows.push_back({text_of(field, "name"), type});
  }
  return to_text(std::move(table), style.columns_max, style.overlong);
}

std::string sources_text(const OrderedJson& list, const TextStyle& style) {
  Table table{{{"Name"}, {"Topic"}, {"Key Format"}, {"Value Format"}}, {}};
  for (const OrderedJson& source : list)
    table.rows.push_back({text_of(source, "name"), text_of(source, "topic"),
                          text_of(source, "keyFormat"), text_of(source, "valueFormat")});
  return to_text(std::move(table), style.columns_max, style.overlong);
}

std::string topics_text(const OrderedJson& list, const TextStyle& style) {
  Table table{{{"Topic"}, {.name = "Partitions", .right = true}}, {}};
  for (const OrderedJson& topic : list)
    table.rows.push_back(
        {text_of(topic, "name"), std::to_string(member(topic, "replicaInfo").size())});
  return to_text(std::move(table), style.columns_max, style.overlong);
}

std::string state_of(const OrderedJson& query) {
  std::string state = text_of(query, "state");
  if (!state.empty()) return state;
  for (const auto& [name, count] : member(query, "statusCount").items())
    state += name + ":" + count.dump();
  return state;
}

std::string query_rows(const OrderedJson& list, const TextStyle& style) {
  Table table{{{"Query ID"}, {"Type"}, {"State"}, {"Sink"}, {"Topic"}, {"Statement"}}, {}};
  for (const OrderedJson& query : list)
    table.rows.push_back({text_of(query, "id"), text_of(query, "queryType"), state_of(query),
                          joined_items(member(query, "sinks")),
                          joined_items(member(query, "sinkKafkaTopics")),
                          text_of(query, "queryString")});
  std::string out = to_text(std::move(table), style.columns_max, style.overlong);
  return list.empty() ? out : out + "EXPLAIN <query id>; shows how a query works\n";
}

std::string connectors_text(const OrderedJson& list, const TextStyle& style) {
  Table table{{{"Connector"}, {"Type"}, {"Class"}, {"State"}}, {}};
  for (const OrderedJson& connector : list)
    table.rows.push_back({text_of(connector, "name"), text_of(connector, "type"),
                          text_of(connector, "className"), text_of(connector, "state")});
  std::string out = to_text(std::move(table), style.columns_max, style.overlong);
  return list.empty() ? out : out + "DESCRIBE CONNECTOR <name>; shows what one does\n";
}

std::string task_line(const OrderedJson& task) {
  std::string out = fmt::format("{:<12} {}: {} in, {} out, {} dead letters, {} restarts",
                                fmt::format("Task {}", text_of(task, "id")), text_of(task, "state"),
                                text_of(task, "records_in"), text_of(task, "records_out"),
                                text_of(task, "dead_letters"), text_of(task, "restarts"));
  if (const std::string lag = text_of(task, "lag"); !lag.empty()) out += ", lag " + lag;
  out += fmt::format("\n{:<12} {}\n", "", text_of(task, "position"));
  for (const auto& [name, count] : member(task, "counters").items())
    out += fmt::format("{:<12} {} {}\n", "", printable(name), count.dump());
  return out;
}

std::string connector_text(const OrderedJson& entity) {
  const OrderedJson& status = member(entity, "status");
  const OrderedJson& state = member(status, "connector");
  std::string out = fmt::format("{:<12} {} ({}, {})\n{:<12} {}\n", "Connector",
                                text_of(status, "name"), text_of(entity, "connectorClass"),
                                text_of(status, "type"), "State", text_of(state, "state"));
  if (const std::string reason = text_of(state, "trace"); !reason.empty())
    out += fmt::format("{:<12} {}\n", "Reason", reason);
  out += fmt::format("{:<12} {}\n", "Topic", joined_items(member(entity, "topics")));
  for (const OrderedJson& task : member(status, "tasks")) out += task_line(task);
  return out + fmt::format("{:<12} {}\n", "Statement", text_of(entity, "statement"));
}

std::string functions_text(const OrderedJson& list, const TextStyle& style) {
  Table table{{{"Function"}, {"Type"}, {"Category"}}, {}};
  for (const OrderedJson& function : list)
    table.rows.push_back(
        {text_of(function, "name"), text_of(function, "type"), text_of(function, "category")});
  return to_text(std::move(table), style.columns_max, style.overlong);
}

std::string properties_text(const OrderedJson& list, const TextStyle& style) {
  Table table{{{"Property"}, {"Level"}, {"Value"}}, {}};
  for (const OrderedJson& property : list)
    table.rows.push_back(
        {text_of(property, "name"), text_of(property, "level"), text_of(property, "value")});
  return to_text(std::move(table), style.columns_max, style.overlong);
}

std::string query_lines(std::string_view title, const OrderedJson& queries) {
  std::string out;
  for (const OrderedJson& query : queries)
    out += fmt::format("{:<12} {} ({})\n", title, text_of(query, "id"), state_of(query));
  return out;
}

std::string source_text(const OrderedJson& source, const TextStyle& style) {
  std::string out = fmt::format("{:<12} {}\n", "Name", text_of(source, "name"));
  if (member(source, "extended") == true)
    out += fmt::format("{:<12} {} ({} partitions)\n{:<12} key {}, value {}\n{:<12} {}\n", "Topic",
                       text_of(source, "topic"), text_of(source, "partitions"), "Formats",
                       text_of(source, "keyFormat"), text_of(source, "valueFormat"), "Statement",
                       text_of(source, "statement"));
  out += fields_table(member(source, "fields"), style);
  out += query_lines("Read by", member(source, "readQueries"));
  out += query_lines("Written by", member(source, "writeQueries"));
  return out;
}

// Keeps line breaks, unlike a cell.
std::string block_text(const OrderedJson& value) {
  if (!value.is_string()) return "";
  std::string out;
  std::string_view left = value.get_ref<const std::string&>();
  while (!left.empty()) {
    std::size_t n = left.find('\n');
    out += "  " + printable(left.substr(0, n)) + "\n";
    left = n == std::string_view::npos ? "" : left.substr(n + 1);
  }
  return out;
}

std::string query_text(const OrderedJson& query, const TextStyle& style) {
  std::string out;
  if (std::string id = text_of(query, "id"); !id.empty())
    out += fmt::format("{:<12} {}\n", "Query", id);
  out += fmt::format("{:<12}\n{}", "Statement", block_text(member(query, "statementText")));
  if (std::string state = state_of(query); !state.empty())
    out += fmt::format("{:<12} {}\n", "State", state);
  out += fmt::format("{:<12} {}\n{:<12} {}\n", "Reads", joined_items(member(query, "sources")),
                     "Writes", joined_items(member(query, "sinks")));
  out += fields_table(member(query, "fields"), style);
  return out + fmt::format("{:<12}\n{}", "Plan", block_text(member(query, "executionPlan")));
}

std::string function_text(const OrderedJson& function) {
  std::string out =
      fmt::format("{:<12} {}\n{:<12} {}\n{:<12} {}\n", "Function", text_of(function, "name"),
                  "Type", text_of(function, "type"), "What", text_of(function, "description"));
  for (const OrderedJson& overload : member(function, "functions")) {
    std::string arguments;
    for (const OrderedJson& argument : member(overload, "arguments"))
      arguments += (arguments.empty() ? "" : ", ") + text_of(argument, "type") +
                   (member(argument, "isVariadic") == true ? "..." : "");
    out += fmt::format("{:<12} {}({}) -> {}\n", "Form", text_of(function, "name"), arguments,
                       text_of(overload, "returnType"));
  }
  return out;
}

std::string status_text(const OrderedJson& entity) {
  std::string message = text_of(member(entity, "commandStatus"), "message");
  return (message.empty() ? "Done" : message) + "\n";
}

std::string each(const OrderedJson& list, const TextStyle& style,
                 std::string (*one)(const OrderedJson&, const TextStyle&)) {
  std::string out;
  for (const OrderedJson& item : list) out += (out.empty() ? "" : "\n") + one(item, style);
  return out;
}

}  // namespace

std::string entity_text(const OrderedJson& entity, const TextStyle& style) {
  std::string type = text_of(entity, "@type");
  if (type == "currentStatus") return status_text(entity);
  if (type == "warning_entity") return text_of(entity, "message") + "\n";
  if (type == "streams") return sources_text(member(entity, "streams"), style);
  if (type == "tables") return sources_text(member(entity, "tables"), style);
  if (type == "kafka_topics" || type == "kafka_topics_extended")
    return topics_text(member(entity, "topics"), style);
  if (type == "queries") return query_rows(member(entity, "queries"), style);
  if (type == "function_names") return functions_text(member(entity, "functions"), style);
  if (type == "properties") return properties_text(member(entity, "properties"), style);
  if (type == "sourceDescription") return source_text(member(entity, "sourceDescription"), style);
  if (type == "source_descriptions")
    return each(member(entity, "sourceDescriptions"), style, source_text);
  if (type == "queryDescription") return query_text(member(entity, "queryDescription"), style);
  if (type == "query_descriptions")
    return each(member(entity, "queryDescriptions"), style, query_text);
  if (type == "connector_list") return connectors_text(member(entity, "connectors"), style);
  if (type == "connector_description") return connector_text(entity);
  if (type == "connector_info")
    return fmt::format("Created connector {}\n", text_of(member(entity, "info"), "name"));
  if (type == "drop_connector")
    return fmt::format("Dropped connector {}\n", text_of(entity, "connectorName"));
  if (type == "describe_function") return function_text(entity);
  if (type == "terminate_query") return "Query terminated\n";
  return entity.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace penstock::cli
