// SHOW CONNECTORS, and those of one end.
#include "session/connector_definitions.h"
#include "session/shows/show.h"

namespace penstock::session::shows {
namespace {

Result<Shown> answer_connectors(const ShowContext& context, const sql::ShowStatement& statement) {
  Shown out{.type = "connector_list", .members = {}};
  out.members["connectors"] = OrderedJson::array();
  for (const ConnectorRow& row :
       connector_rows(context.world.connectors, context.connectors, context.options)) {
    if (statement.has(row.source ? "SINK" : "SOURCE")) continue;
    OrderedJson item;
    item["name"] = row.name;
    item["type"] = row.source ? "source" : "sink";
    item["className"] = row.kind;
    item["state"] = engine::name_of(row.stats.state);
    out.members["connectors"].push_back(std::move(item));
  }
  return out;
}

}  // namespace

Show show_connectors() {
  return {.syntax = "SHOW [SOURCE|SINK] CONNECTORS [EXTENDED]",
          .answer = answer_connectors,
          .layouts = {{.type = "connector_list",
                       .page = TableOf{.rows = "connectors",
                                       .columns = {{.title = "Connector", .member = "name"},
                                                   {.title = "Type", .member = "type"},
                                                   {.title = "Class", .member = "className"},
                                                   {.title = "State", .member = "state"}},
                                       .note = "DESCRIBE CONNECTOR <name>; shows what one does"}}}};
}

}  // namespace penstock::session::shows
