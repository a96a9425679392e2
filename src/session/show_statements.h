// SHOW, DESCRIBE and EXPLAIN: looking only.
#pragma once

#include "session/session.h"
#include "session/world.h"
#include "topics/log.h"

namespace penstock::session {

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

// Persistent queries with what the runtime counts, sorted by id.
std::vector<QueryRow> query_rows(const std::map<std::string, PersistentQuery>& queries,
                                 const engine::Runtime& runtime);

Result<ResultBody> show(const ShowContext& context, const sql::ShowStatement& statement);
Result<ResultBody> describe(const ShowContext& context, const sql::DescribeStatement& statement);
Result<ResultBody> describe_all(const ShowContext& context, const sql::DescribeAll& statement);
Result<ResultBody> explain(const ShowContext& context, const sql::ExplainStatement& statement);

}  // namespace penstock::session
