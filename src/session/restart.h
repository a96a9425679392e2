// How a measured session opens. Its scripts, and the proved ones of the journal, are applied to an
// empty world without any effect; only what is left in the end gets topics, records and running
// queries. So a query that a signed statement has ended does not run for a moment.
#pragma once

#include <vector>

#include "session/effects.h"
#include "session/statement_journal.h"

namespace penstock::session {

// Remembers what the scripts ask for.
class GatheredEffects final : public Effects {
 public:
  explicit GatheredEffects(topics::Log& log) : log_(log) {}  // only looked at

  Result<std::optional<std::int32_t>> partitions(const topics::TopicName& topic) override;
  Result<> create_topic(const topics::TopicSpec&) override { return {}; }
  Result<> remove_topic(const topics::TopicName&) override { return {}; }
  Result<> start_query(const PersistentQuery&) override { return {}; }
  Result<> stop_query(const std::string&, bool) override { return {}; }
  Result<> reset_query(const std::string&, const engine::ResetTo&) override { return {}; }
  Result<> insert_row(const sql::InsertValues& row) override;
  Result<> record(const Accepted& statement) override;

  const std::vector<Accepted>& accepted() const { return accepted_; }  // in order
  const std::vector<sql::InsertValues>& rows() const { return rows_; }

 private:
  topics::Log& log_;
  std::vector<Accepted> accepted_;
  std::vector<sql::InsertValues> rows_;
};

// Does with `live` what is left of `gathered` in `world`: topics, then records and queries, in the
// order of the statements; rows last. world.known becomes what the journal knows and what runs.
// failed_precondition: a query that the journal knows has another text now (both are in the error).
Result<> realise(World& world, const GatheredEffects& gathered, const StatementJournal& journal,
                 const std::optional<std::int32_t>& default_partitions, Effects& live);

}  // namespace penstock::session
