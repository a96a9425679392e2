// How a session with files opens. Its scripts, and in a measured session the proved ones of the
// journal, are applied to a world without any effect; what that changes about what ran before is
// looked at as a whole; only what is left in the end gets topics, records and running queries. So a
// query that has ended, or is another now, does not run for a moment.
#pragma once

#include <vector>

#include "session/configuration.h"
#include "session/effects.h"
#include "session/script_run.h"
#include "session/statement_journal.h"

namespace penstock::session {

// Remembers what the scripts ask for.
class GatheredEffects final : public Effects {
 public:
  // Only looked at. null: there is no log, and every topic is taken to be there.
  explicit GatheredEffects(topics::Log* log) : log_(log) {}

  Result<std::optional<topics::TopicSpec>> topic(const topics::TopicName& name) override;
  Result<> create_topic(const topics::TopicSpec&) override { return {}; }
  Result<> remove_topic(const topics::TopicName&) override { return {}; }
  Result<> start_query(const PersistentQuery&) override { return {}; }
  Result<> claim_sinks(const std::vector<const PersistentQuery*>&,
                       const std::map<std::string, PersistentQuery>&, bool) override {
    return {};
  }
  Result<> stop_query(const std::string&, bool) override { return {}; }
  Result<> start_connector(const World&, const Connector&) override { return {}; }
  Result<> stop_connector(const std::string&, bool) override { return {}; }
  Result<> pause_connector(const std::string&, bool) override { return {}; }
  Result<> pause_query(const std::string&, bool) override { return {}; }
  Result<> reset_query(const std::string& id, const engine::ResetTo& to) override;
  Result<> insert_row(const sql::InsertValues& row, const std::optional<Accepted>& once) override;
  Result<> record(const std::vector<Accepted>& statements) override;

  struct Row {
    sql::InsertValues row;
    std::optional<Accepted> once;
  };
  struct Reset {
    std::string query_id;
    engine::ResetTo to;
    Accepted once;
  };
  const std::vector<Reset>& resets() const { return resets_; }
  const std::vector<Accepted>& accepted() const { return accepted_; }  // in order
  const std::vector<Row>& rows() const { return rows_; }

 private:
  topics::Log* log_;
  std::vector<Accepted> accepted_;
  std::vector<Row> rows_;
  std::vector<Reset> resets_;
};

// Applies the files to `world`; errors name the script. false: they define nothing.
Result<bool> gather_files(const ScriptPlace& place, const std::vector<MeasuredScript>& scripts,
                          World& world, GatheredEffects& gathered);

// The proved scripts of the journal, on top of the files. Those that came before the configuration
// that runs now leave alone what its files define.
Result<> gather_proved(const ScriptPlace& place, const JournalEntry& script, bool before_files,
                       World& world, GatheredEffects& gathered);

struct Realised {
  StatementJournal& journal;
  Effects& effects;  // live
  const SessionOptions& options;
  const seal::KeySource* keys;
  std::string configuration = {};  // digest_of its scripts; empty: there is none
};

// Carries out `changes`, with which `now` follows `before`: topics; then all records in one commit;
// then what has ended is forgotten, queries start in the order of the statements, and resets and
// rows that were not inserted yet are. now.known becomes what the journal knows.
Result<> realise(const Realised& how, const std::vector<Change>& changes, const World& before,
                 World& now, const GatheredEffects& gathered);

}  // namespace penstock::session
