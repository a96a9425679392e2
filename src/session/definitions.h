// Statements that change what exists: CREATE, DROP, INSERT, TERMINATE, ALTER QUERY. Each works on a
// World and on Effects, so the same code checks a script and runs it.
#pragma once

#include <map>
#include <string>

#include "seal/key_source.h"
#include "session/effects.h"
#include "session/session.h"

namespace penstock::session {

// Tells rows apart that are inserted once: by their text, and by how many with it came before.
// Lives as long as one reading of the files.
class RowKeys {
 public:
  std::string next(std::string_view canonical_text) {
    return std::string(canonical_text) + "#" + std::to_string(++seen_[std::string(canonical_text)]);
  }

 private:
  std::map<std::string, int> seen_;
};

struct DefinitionContext {
  World& world;
  Effects& effects;
  const seal::KeySource* keys;  // may be null
  const SessionOptions& options;
  const Properties& properties;
  Again again = Again::resume;
  Origin origin = Origin::statement;
  std::string_view proof = {};  // of the signed script that this is part of
  // Where INSERT ... VALUES gets its key from; null: it inserts each time it is executed.
  RowKeys* rows = nullptr;
  // Replaying the statements topic: definitions replace older ones, ids are as recorded, and rights
  // are checked when the queries start.
  const Accepted* replayed = nullptr;
  // A session opens: the whole catalogue is made first, topics and queries after it
  // (session/restart.h). What a query's predecessor was is compared there.
  bool topics_later = false;
  // With it: the statement was carried out when its proof came; what it ends may be gone.
  bool repeated = false;
  // It was carried out on an earlier configuration: what a file defines now it leaves alone.
  bool spares_files = false;
};

// One statement. Statements that define nothing are not taken (CHECKed: is_definition).
bool is_definition(const sql::Statement& statement);
Result<CommandResult> apply(const DefinitionContext& context, sql::Statement& statement);

}  // namespace penstock::session
