#include "session/connector_shapes.h"

namespace penstock::session {
namespace {

OrderedJson shape_of(std::string_view type) {
  OrderedJson out;
  out["@type"] = type;
  return out;
}

OrderedJson connector_info(const ConnectorRow& row) {
  OrderedJson info;
  info["name"] = row.name;
  info["config"] = OrderedJson::object();
  for (const auto& [name, value] : row.config) info["config"][name] = value;
  info["tasks"] = OrderedJson::array();
  for (std::int32_t task = 0; task < row.tasks; ++task)
    info["tasks"].push_back({{"connector", row.name}, {"task", task}});
  info["type"] = row.source ? "source" : "sink";
  return info;
}

OrderedJson task_shape(const engine::ConnectorTaskStats& task) {
  OrderedJson out;
  out["id"] = task.number;
  out["state"] = engine::name_of(task.state);
  out["worker_id"] = "penstock";
  if (!task.reason.empty()) out["trace"] = task.reason;
  out["position"] = task.status.position;
  if (task.status.lag) out["lag"] = *task.status.lag;
  out["records_in"] = task.work.records_in;
  out["records_out"] = task.work.records_out;
  out["dead_letters"] = task.work.dead_letters;
  out["commits"] = task.work.commits;
  out["restarts"] = task.work.restarts;
  out["counters"] = OrderedJson::object();
  for (const auto& [name, count] : task.status.counters) out["counters"][name] = count;
  return out;
}

}  // namespace

OrderedJson to_shape(const ConnectorCreated& created) {
  OrderedJson out = shape_of("connector_info");
  out["info"] = connector_info(created.connector);
  return out;
}

OrderedJson to_shape(const ConnectorDropped& dropped) {
  OrderedJson out = shape_of("drop_connector");
  out["connectorName"] = dropped.name;
  return out;
}

OrderedJson to_shape(const ConnectorList& list) {
  OrderedJson out = shape_of("connector_list");
  out["connectors"] = OrderedJson::array();
  for (const ConnectorRow& row : list.connectors) {
    OrderedJson item;
    item["name"] = row.name;
    item["type"] = row.source ? "source" : "sink";
    item["className"] = row.kind;
    item["state"] = engine::name_of(row.stats.state);
    out["connectors"].push_back(std::move(item));
  }
  return out;
}

OrderedJson to_shape(const ConnectorPluginList& list) {
  OrderedJson out = shape_of("connector_plugins_list");
  out["connectorsPlugins"] = OrderedJson::array();
  for (const ConnectorPlugin& plugin : list.plugins) {
    for (const bool source : {true, false}) {
      if (source ? !plugin.source : !plugin.sink) continue;
      OrderedJson item;
      item["className"] = plugin.name;
      item["type"] = source ? "source" : "sink";
      item["version"] = "1";
      out["connectorsPlugins"].push_back(std::move(item));
    }
  }
  return out;
}

OrderedJson to_shape(const ConnectorDescription& described) {
  const ConnectorRow& row = described.connector;
  OrderedJson out = shape_of("connector_description");
  out["connectorClass"] = row.kind;
  OrderedJson status;
  status["name"] = row.name;
  status["connector"]["state"] = engine::name_of(row.stats.state);
  status["connector"]["worker_id"] = "penstock";
  status["connector"]["trace"] = row.stats.reason;
  status["tasks"] = OrderedJson::array();
  for (const engine::ConnectorTaskStats& task : row.stats.tasks)
    status["tasks"].push_back(task_shape(task));
  status["type"] = row.source ? "source" : "sink";
  out["status"] = std::move(status);
  out["sources"] = OrderedJson::array();
  for (const std::string& stream : described.streams) {
    OrderedJson item;
    item["name"] = stream;
    item["type"] = "STREAM";
    out["sources"].push_back(std::move(item));
  }
  out["topics"] = OrderedJson::array();
  out["topics"].push_back(row.topic);
  out["statement"] = row.statement;
  return out;
}

}  // namespace penstock::session
