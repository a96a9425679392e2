// Effects that do not happen.
#pragma once

#include <map>

#include "session/effects.h"

namespace penstock::session {

class DryEffects final : public Effects {
 public:
  explicit DryEffects(topics::Log& log) : log_(log) {}  // only looked at

  Result<std::optional<topics::TopicSpec>> topic(const topics::TopicName& name) override;
  Result<> create_topic(const topics::TopicSpec& spec) override;
  Result<> remove_topic(const topics::TopicName& topic) override;
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
  Result<> reset_query(const std::string&, const engine::ResetTo&) override { return {}; }
  Result<> insert_row(const sql::InsertValues&, const std::optional<Accepted>&) override {
    return {};
  }
  Result<> record(const std::vector<Accepted>&) override { return {}; }

 private:
  topics::Log& log_;
  std::map<topics::TopicName, std::optional<topics::TopicSpec>> changed_;  // absent: removed
};

// Of a topic of the log; absent: there is none.
Result<std::optional<topics::TopicSpec>> topic_in(topics::Log& log, const topics::TopicName& name);

}  // namespace penstock::session
