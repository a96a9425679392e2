// Results of statements as ksqlDB's entities.
#pragma once

#include <optional>

#include "base/json.h"
#include "session/session.h"

namespace penstock::server {

// Who answers, for members such as ksqlHostQueryStatus.
struct EntityContext {
  std::string address;  // "127.0.0.1:8088"
  std::string service_id;
};

// Absent: statements that give no entity (INSERT VALUES, SET, UNSET).
std::optional<OrderedJson> to_entity(const session::StatementResult& result,
                                     const EntityContext& context);
OrderedJson to_entities(const session::ScriptResult& script, const EntityContext& context);

}  // namespace penstock::server
