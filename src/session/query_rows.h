// Persistent queries with what the runtime counts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "session/session.h"
#include "session/world.h"

namespace penstock::session {

QueryRow query_row(const PersistentQuery& query, const std::vector<engine::QueryStats>& stats);

// Sorted by id.
std::vector<QueryRow> query_rows(const std::map<std::string, PersistentQuery>& queries,
                                 const engine::Runtime& runtime);

}  // namespace penstock::session
