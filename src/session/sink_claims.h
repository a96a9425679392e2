// Who writes which topic, across the services of a log: the compacted topic `_penstock_sinks`, one
// partition, one record per topic that a CREATE STREAM AS writes.
//   key    the topic
//   value  {"v":1,"service":"payments","query":"CSAS_MASKED_1"}; none: nobody
// Against accidents (two services with the same SQL, every row twice), not against the host, which
// can change the records. INSERT INTO claims nothing: several writers are meant there.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "topics/log.h"

namespace penstock::session {

struct SinkOwner {
  std::string service, query;
  friend bool operator==(const SinkOwner&, const SinkOwner&) = default;
};

struct SinkClaim {
  std::string topic;
  std::string query;  // of our service
};

// One thread at a time.
class SinkClaims {
 public:
  // Only reads. The log outlives this. corrupt, unsupported: a record that cannot be read.
  static Result<std::unique_ptr<SinkClaims>> open(topics::Log& log, std::string service_id);

  // failed_precondition: another service's query writes one of them, or another query of ours that
  // is `alive`; the text names it and says what can be done.
  Result<> check(const std::vector<SinkClaim>& claims, const std::set<std::string>& alive) const;
  // The same, and writes what is new. The first of two services that claim at once has the topic.
  Result<> claim(const std::vector<SinkClaim>& claims, const std::set<std::string>& alive);
  // All that a query of ours has.
  Result<> release(const std::string& query);

 private:
  SinkClaims(topics::Log& log, std::string service_id)
      : log_(log), service_id_(std::move(service_id)) {}
  struct Write {
    std::string topic;
    const SinkOwner* owner;  // null: nobody
  };
  Result<> load();
  Result<> write(const std::vector<Write>& writes);
  Result<> give_back(const std::vector<Write>& writes);

  topics::Log& log_;
  const std::string service_id_;
  std::map<std::string, SinkOwner> owners_;  // by topic
};

}  // namespace penstock::session
