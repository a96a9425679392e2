// A statement that shows something: how it is written, what it answers, how the console prints it.
// Each is a function that makes a Show, in a file of this folder, and a line in builtin.cc.
#pragma once

#include <string_view>
#include <vector>

#include "session/session.h"
#include "session/shows/layout.h"
#include "session/world.h"
#include "sql/show_syntax.h"
#include "topics/log.h"

namespace penstock::session {

// What there is to look at.
struct ShowContext {
  const World& world;
  topics::Log& log;
  const engine::Runtime& runtime;
  const Properties& properties;
  const PushQueries* pushes = nullptr;  // null: none
  const sql::Variables& variables;
  const engine::ConnectorRuntime* connectors = nullptr;
  const SessionOptions& options;
};

namespace shows {

struct Show {
  std::string_view syntax;  // "SHOW LOCKS [EXTENDED]": sql/show_syntax.h
  Result<Shown> (*answer)(const ShowContext& context, const sql::ShowStatement& statement);
  // Of the entities that it answers; one without is printed as JSON.
  std::vector<Layout> layouts = {};
};

}  // namespace shows
}  // namespace penstock::session
