// Results of statements as ksqlDB's entities: what its REST interface answers and what the console
// shows.
#pragma once

#include <optional>

#include "base/json.h"
#include "session/session.h"

namespace penstock::session {

// Who answers, for members such as ksqlHostQueryStatus; empty where nobody listens.
struct EntityContext {
  std::string address;  // "127.0.0.1:8088"
  std::string service_id;
};

// Absent: statements that give no entity (INSERT VALUES, SET, UNSET).
std::optional<OrderedJson> to_entity(const StatementResult& result, const EntityContext& context);
OrderedJson to_entities(const ScriptResult& script, const EntityContext& context);

}  // namespace penstock::session
