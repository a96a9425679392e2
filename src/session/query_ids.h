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
  std::optional<sql::OnChange> on_change = {};
};

// failed_precondition: another statement has the id (both texts are in the error). While a session
// opens, the query of the predecessor of a file is found by its sink or its text, and what changed
// is compared later (session/configuration.h).
// In a measured session ids do not hang on what the disk says: on the sink of a CREATE STREAM AS
// (with ON_CHANGE='restart' on its text too, so that a new text is another query), on the text of
// an INSERT, and on the signature of a signed script.
Result<QueryIdentity> identify(const DefinitionContext& context, const NewQuery& query);

// Refuses (unsupported) to take up a query with another plan than it had when it was accepted.
Result<> check_same_plan(const KnownQuery& known, const sql::PlanNode& plan);

// As TERMINATE and EXPLAIN name it: exactly, else in upper case. nullptr: not known.
const PersistentQuery* find_query(const World& world, std::string_view id);

}  // namespace penstock::session
