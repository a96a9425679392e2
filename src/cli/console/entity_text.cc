#include "cli/console/entity_text.h"

#include <fmt/format.h>

#include "cli/console/cell_text.h"
#include "cli/console/page_text.h"
#include "session/shows/builtin.h"

namespace penstock::cli {
namespace {

using session::shows::member;

std::string cell(const OrderedJson& object, const char* name) {
  return printable(session::shows::text_of(object, name));
}

std::string status_text(const OrderedJson& entity) {
  std::string message = cell(member(entity, "commandStatus"), "message");
  return (message.empty() ? "Done" : message) + "\n";
}

}  // namespace

std::string entity_text(const OrderedJson& entity, const TextStyle& style) {
  const std::string type = cell(entity, "@type");
  if (const auto* layout = session::shows::layout_of(type))
    return page_text(layout->page(entity), style);
  if (type == "currentStatus") return status_text(entity);
  if (type == "warning_entity") return cell(entity, "message") + "\n";
  if (type == "connector_info")
    return fmt::format("Created connector {}\n", cell(member(entity, "info"), "name"));
  if (type == "drop_connector")
    return fmt::format("Dropped connector {}\n", cell(entity, "connectorName"));
  if (type == "terminate_query") return "Query terminated\n";
  return entity.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace penstock::cli
