// Statements that change what exists: CREATE, DROP, INSERT, TERMINATE, ALTER QUERY. Each works on a
// World and on Effects, so the same code checks a script and runs it.
#pragma once

#include <set>

#include "seal/key_source.h"
#include "session/effects.h"
#include "session/session.h"

namespace penstock::session {

struct DefinitionContext {
  World& world;
  Effects& effects;
  const seal::KeySource* keys;  // may be null
  const SessionOptions& options;
  const Properties& properties;
  Again again = Again::resume;
  // Canonical texts of all statements of the script: a query whose text is among them is claimed by
  // it, so that statements can be put in front of it without taking its id.
  const std::set<std::string>& script;
  // Replaying the statements topic: definitions replace older ones, ids are as recorded, and rights
  // are checked when the queries start.
  const Accepted* replayed = nullptr;
  // A measured session opens: the whole catalogue is made first, topics and queries after it
  // (session/restart.h).
  bool topics_later = false;
  // With it: the statement was carried out when its proof came. Rows are not inserted again, and
  // what it ends may be gone.
  bool repeated = false;
};

// One statement. Statements that define nothing are not taken (CHECKed: is_definition).
bool is_definition(const sql::Statement& statement);
Result<CommandResult> apply(const DefinitionContext& context, sql::Statement& statement);

}  // namespace penstock::session
