// Runs the statements of a script on a World, with effects or without.
#pragma once

#include <vector>

#include "engine/runtime.h"
#include "session/definitions.h"
#include "session/session.h"
#include "sql/statement.h"

namespace penstock::session {

// What scripts of a session have in common. runtime: null where nothing runs (what shows queries is
// refused then).
struct ScriptPlace {
  topics::Log* log;
  const engine::Runtime* runtime;
  const seal::KeySource* keys;
  const SessionOptions& options;
  PushQueries* pushes = nullptr;  // which TERMINATE may mean; null: none
  const engine::ConnectorRuntime* connectors = nullptr;
};

// One pass over a script.
struct ScriptPass {
  World& world;
  Effects& effects;
  Properties properties = {};
  sql::Variables variables = {};  // DEFINE
  Again again = Again::resume;
  Origin origin = Origin::statement;
  std::string_view proof = {};
  RowKeys* rows = nullptr;
  bool topics_later = false, repeated = false, spares_files = false;  // as in DefinitionContext
  // A statement that cannot be carried out is left out, with a warning that names it.
  bool lenient = false;
  bool live = false;     // what is not an effect on the World happens too
  bool defines = false;  // set when a statement changes something
};

// limit_exceeded: too many statements.
Result<std::vector<sql::StatementText>> split_script(std::string_view script);

// The answer to a signed script that was carried out earlier.
ScriptResult done_before(const std::vector<sql::StatementText>& statements);

ScriptResult run_statements(const ScriptPlace& place,
                            const std::vector<sql::StatementText>& statements, ScriptPass& pass);

}  // namespace penstock::session
