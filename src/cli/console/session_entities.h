// A session's results in the shape of ksqlDB's REST entities (the members that the console shows),
// and rows as JSON texts.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "data/schema.h"
#include "session/session.h"

namespace penstock::cli {

OrderedJson entity_of(const session::StatementResult& result);

// One JSON text per column.
std::vector<std::string> cells_of(const engine::PushQuery::Row& row, const data::Schema& schema);

}  // namespace penstock::cli
