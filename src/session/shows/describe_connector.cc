// DESCRIBE CONNECTOR.
#include <fmt/format.h>

#include "session/connector_definitions.h"
#include "session/shows/show.h"

namespace penstock::session::shows {
namespace {

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

OrderedJson status_shape(const ConnectorRow& row) {
  OrderedJson status;
  status["name"] = row.name;
  status["connector"]["state"] = engine::name_of(row.stats.state);
  status["connector"]["worker_id"] = "penstock";
  status["connector"]["trace"] = row.stats.reason;
  status["tasks"] = OrderedJson::array();
  for (const engine::ConnectorTaskStats& task : row.stats.tasks)
    status["tasks"].push_back(task_shape(task));
  status["type"] = row.source ? "source" : "sink";
  return status;
}

// In the shape of Kafka Connect and ksqlDB, with what is ours behind.
Result<Shown> answer_connector(const ShowContext& context, const sql::ShowStatement& statement) {
  const auto at = context.world.connectors.find(statement.name);
  if (at == context.world.connectors.end()) {
    return fail(
        ErrorCode::not_found,
        fmt::format("Connector '{}' does not exist. SHOW CONNECTORS lists them.", statement.name));
  }
  const ConnectorRow row = connector_rows({*at}, context.connectors, context.options).front();
  Shown out{.type = "connector_description", .members = {}};
  out.members["connectorClass"] = row.kind;
  out.members["status"] = status_shape(row);
  out.members["sources"] = OrderedJson::array();  // over its topic
  for (const auto& [name, source] : context.world.catalogue.streams())
    if (source.topic == row.topic)
      out.members["sources"].push_back({{"name", name}, {"type", "STREAM"}});
  out.members["topics"] = OrderedJson::array();
  out.members["topics"].push_back(row.topic);
  out.members["statement"] = row.statement;
  return out;
}

void append_task(Page& page, const OrderedJson& task) {
  std::string text =
      fmt::format("{}: {} in, {} out, {} dead letters, {} restarts", text_of(task, "state"),
                  text_of(task, "records_in"), text_of(task, "records_out"),
                  text_of(task, "dead_letters"), text_of(task, "restarts"));
  if (const std::string lag = text_of(task, "lag"); !lag.empty()) text += ", lag " + lag;
  page.emplace_back(PageLine{fmt::format("Task {}", text_of(task, "id")), std::move(text)});
  page.emplace_back(PageLine{"", text_of(task, "position")});
  for (const auto& [name, count] : member(task, "counters").items())
    page.emplace_back(PageLine{"", fmt::format("{} {}", name, count.dump())});
}

Page connector_page(const OrderedJson& entity) {
  const OrderedJson& status = member(entity, "status");
  const OrderedJson& state = member(status, "connector");
  Page page = {PageLine{"Connector",
                        fmt::format("{} ({}, {})", text_of(status, "name"),
                                    text_of(entity, "connectorClass"), text_of(status, "type"))},
               PageLine{"State", text_of(state, "state")}};
  if (std::string reason = text_of(state, "trace"); !reason.empty())
    page.emplace_back(PageLine{"Reason", std::move(reason)});
  page.emplace_back(PageLine{"Topic", joined(entity, "topics")});
  for (const OrderedJson& task : member(status, "tasks")) append_task(page, task);
  page.emplace_back(PageLine{"Statement", text_of(entity, "statement")});
  return page;
}

}  // namespace

Show describe_connector() {
  return {.syntax = "DESCRIBE CONNECTOR <connector>",
          .answer = answer_connector,
          .layouts = {{.type = "connector_description", .page = connector_page}}};
}

}  // namespace penstock::session::shows
