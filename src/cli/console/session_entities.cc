#include "cli/console/session_entities.h"

#include <utility>
#include <variant>

#include "format/row_json.h"
#include "session/entities.h"

namespace penstock::cli {

// A row that was inserted, a property that was set: no entity of ksqlDB's.
static OrderedJson plain_answer(const session::StatementResult& result) {
  const auto* command = std::get_if<session::CommandResult>(&result.body);
  OrderedJson out;
  out["@type"] = "currentStatus";
  out["commandStatus"]["status"] = "SUCCESS";
  out["commandStatus"]["message"] = command != nullptr ? command->message : "";
  return out;
}

OrderedJson entity_of(const session::StatementResult& result) {
  auto entity = session::to_entity(result, {});
  return entity ? *std::move(entity) : plain_answer(result);
}

std::vector<std::string> cells_of(const engine::PushQuery::Row& row, const data::Schema& schema) {
  std::vector<std::string> cells;
  for (std::size_t i = 0; i < row.size() && i < schema.columns.size(); ++i)
    format::append_json(cells.emplace_back(), row[i], schema.columns[i].type);
  return cells;
}

}  // namespace penstock::cli
