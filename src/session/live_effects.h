// Effects that happen: topics in the log, queries in the runtime, statements in the journal.
#pragma once

#include <vector>

#include "seal/key_source.h"
#include "session/effects.h"
#include "session/row_inserter.h"
#include "session/session.h"
#include "session/sink_claims.h"
#include "session/statement_journal.h"

namespace penstock::session {

// The parts outlive it. journal and sinks: null record nothing. What has ended is forgotten before
// its id is used again, but in a measured session, where the records may be the host's invention.
class LiveEffects final : public Effects {
 public:
  LiveEffects(topics::Log& log, engine::Runtime& runtime, engine::ConnectorRuntime& connectors,
              StatementJournal* journal, SinkClaims* sinks, RowInserter& inserter,
              const SessionOptions& options)
      : log_(log),
        runtime_(runtime),
        connectors_(connectors),
        journal_(journal),
        sinks_(sinks),
        inserter_(inserter),
        options_(options) {}

  Result<std::optional<topics::TopicSpec>> topic(const topics::TopicName& name) override;
  Result<> create_topic(const topics::TopicSpec& spec) override;
  Result<> remove_topic(const topics::TopicName& topic) override;
  Result<> start_query(const PersistentQuery& query) override;
  Result<> claim_sinks(const std::vector<const PersistentQuery*>& queries,
                       const std::map<std::string, PersistentQuery>& alive, bool for_good) override;
  Result<> stop_query(const std::string& id, bool forget) override;
  Result<> pause_query(const std::string& id, bool pause) override {
    return pause ? runtime_.pause_query(engine::QueryId(id))
                 : runtime_.resume_query(engine::QueryId(id));
  }
  Result<> start_connector(const World& world, const Connector& connector) override;
  Result<> stop_connector(const std::string& name, bool forget) override;
  Result<> pause_connector(const std::string& name, bool pause) override {
    return pause ? connectors_.pause(name) : connectors_.resume(name);
  }
  Result<> reset_query(const std::string& id, const engine::ResetTo& to) override {
    return runtime_.reset_query(engine::QueryId(id), to);
  }
  Result<> insert_row(const sql::InsertValues& row, const std::optional<Accepted>& once) override;
  Result<> record(const std::vector<Accepted>& statements) override;

 private:
  Result<> forget_stopped(const std::string& id);

  topics::Log& log_;
  engine::Runtime& runtime_;
  engine::ConnectorRuntime& connectors_;
  StatementJournal* journal_;
  SinkClaims* sinks_;
  RowInserter& inserter_;
  const SessionOptions& options_;
};

// Builds a world out of the journal. Queries are started by the caller, after the last statement. A
// statement that cannot be applied any more is left out; when nothing later has ended or replaced
// what it made, a warning names it, and its query stays known.
World replay(const StatementJournal& journal, topics::Log& log, const SessionOptions& options);

}  // namespace penstock::session
