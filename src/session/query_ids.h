// Ids of persistent queries. Positions and state hang on them, so a query that is run again must
// find its own, and no other query may take it.
#pragma once

#include "session/definitions.h"

namespace penstock::session {

struct QueryIdentity {
  std::string id;
  bool running = false;  // the same query runs in this session already: nothing to do
};

struct NewQuery {
  QueryKind kind;
  std::string sink;                   // stream
  std::optional<std::string> chosen;  // WITH (QUERY_ID='...')
  std::string statement;
};

// failed_precondition: another statement has the id (both texts are in the error).
// In a measured session ids of queries without QUERY_ID hang on their texts alone.
Result<QueryIdentity> identify(const DefinitionContext& context, const NewQuery& query);

// The refusal to take `known`'s id, and so its position, for the statement `now`; has both texts.
Error query_changed(const KnownQuery& known, std::string_view now);

// Refuses (unsupported) to take up a query with another plan than it had when it was accepted.
Result<> check_same_plan(const KnownQuery& known, const sql::PlanNode& plan);

// As TERMINATE and EXPLAIN name it: exactly, else in upper case. nullptr: not known.
const PersistentQuery* find_query(const World& world, std::string_view id);

}  // namespace penstock::session
