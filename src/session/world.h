// What a session knows: streams and persistent queries. A value: scripts are checked on a copy.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/runtime.h"
#include "sql/plan.h"
#include "sql/stream_info.h"

namespace penstock::session {

class StreamCatalogue final : public sql::Catalogue {
 public:
  const sql::StreamInfo* find(std::string_view name) const override;
  std::vector<std::string> names() const override;

  void put(sql::StreamInfo stream);
  void erase(std::string_view name);
  const std::map<std::string, sql::StreamInfo, std::less<>>& streams() const { return streams_; }

 private:
  std::map<std::string, sql::StreamInfo, std::less<>> streams_;
};

enum class QueryKind : std::uint8_t { create_as, insert };

struct PersistentQuery {
  std::string id;
  std::string statement;  // as written
  QueryKind kind = QueryKind::insert;
  std::string sink;  // stream
  std::string sink_topic;
  std::vector<std::string> sources;  // streams, sorted
  engine::StartAt start = engine::StartAt::earliest;
  // Shared with the runtime, which runs it; immutable.
  std::shared_ptr<const sql::PlanNode> plan;
};

// What is known of a query that this log has run, in this process or before.
struct KnownQuery {
  std::string id;
  std::string statement;
  QueryKind kind = QueryKind::insert;
  std::string sink;
  std::string plan = {};  // engine::plan_digest, as it was recorded
};

struct World {
  StreamCatalogue catalogue;
  std::map<std::string, PersistentQuery> queries;
  std::map<std::string, KnownQuery> known;  // by id; those that were not terminated
  std::int64_t next_sequence = 0;           // of the next accepted statement
};

// Streams that a plan reads, sorted, each once.
std::vector<const sql::StreamInfo*> sources_of(const sql::PlanNode& plan);
const sql::SinkStep* sink_of(const sql::PlanNode& plan);
// failed_precondition: a query that wrote, in the end, what it reads would never come to an end.
Result<> check_no_circle(const World& world, const sql::PlanNode& plan,
                         const sql::StreamInfo& sink);

}  // namespace penstock::session
