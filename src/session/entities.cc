#include "session/entities.h"

#include "session/shows/explain.h"

namespace penstock::session {
namespace {

OrderedJson entity(std::string_view type, const StatementResult& result) {
  OrderedJson out;
  out["@type"] = type;
  out["statementText"] = result.statement + ";";
  out["warnings"] = OrderedJson::array();
  return out;
}

// As Kafka Connect shows one that was created.
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

  Shape operator()(const Shown& shown) const {
    OrderedJson out = entity(shown.type, result);
    for (const auto& [name, value] : shown.members.items()) out[name] = value;
    return out;
  }

  Shape operator()(const QueryDescription& described) const {
    return (*this)(shows::to_shown(described, context.address));
  }

  Shape operator()(const ConnectorCreated& created) const {
    OrderedJson out = entity("connector_info", result);
    out["info"] = connector_info(created.connector);
    return out;
  }

  Shape operator()(const ConnectorDropped& dropped) const {
    OrderedJson out = entity("drop_connector", result);
    out["connectorName"] = dropped.name;
    return out;
  }

  Shape operator()(const AssertedTopic& asserted) const {
    OrderedJson out = entity("assert_topic", result);
    out["topicName"] = asserted.topic;
    out["exists"] = asserted.exists;
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
