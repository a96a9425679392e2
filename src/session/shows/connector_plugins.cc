// SHOW CONNECTOR PLUGINS: the kinds that CREATE CONNECTOR knows.
#include "session/shows/show.h"

namespace penstock::session::shows {
namespace {

OrderedJson plugin_row(const engine::ConnectorKind& kind, const char* type) {
  OrderedJson item;
  item["className"] = kind.name;
  item["type"] = type;
  item["version"] = "1";
  return item;
}

Result<Shown> answer_connector_plugins(const ShowContext& context, const sql::ShowStatement&) {
  Shown out{.type = "connector_plugins_list", .members = {}};
  OrderedJson& rows = out.members["connectorsPlugins"] = OrderedJson::array();
  if (context.options.connectors == nullptr) return out;
  for (const engine::ConnectorKind& kind : context.options.connectors->all()) {
    if (!kind.source_options.empty()) rows.push_back(plugin_row(kind, "source"));
    if (!kind.sink_options.empty()) rows.push_back(plugin_row(kind, "sink"));
  }
  return out;
}

}  // namespace

Show show_connector_plugins() {
  return {.syntax = "SHOW CONNECTOR PLUGINS", .answer = answer_connector_plugins};
}

}  // namespace penstock::session::shows
