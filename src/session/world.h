// What a session knows: streams and persistent queries. A value: scripts are checked on a copy.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/runtime.h"
#include "session/session.h"
#include "sql/plan.h"
#include "sql/statement.h"
#include "sql/stream_info.h"

namespace penstock::session {

// Where a definition comes from. A file (what a start runs) replaces its predecessor as a whole,
// and leaves alone what came otherwise.
enum class Origin : std::uint8_t { file, statement, signed_statement };

// CREATE TYPE.
struct CustomType {
  data::Type type;
  std::string statement;
  Origin origin = Origin::statement;
};

class StreamCatalogue final : public sql::Catalogue {
 public:
  const sql::StreamInfo* find(std::string_view name) const override;
  std::vector<std::string> names() const override;

  const data::Type* find_type(std::string_view name) const override;
  std::vector<std::string> type_names() const override;

  void put(sql::StreamInfo stream);
  void erase(std::string_view name);
  void put_type(const std::string& name, CustomType type);
  void erase_type(std::string_view name);
  void erase_types(Origin origin);
  const std::map<std::string, sql::StreamInfo, std::less<>>& streams() const { return streams_; }
  const std::map<std::string, CustomType, std::less<>>& types() const { return types_; }

 private:
  std::map<std::string, sql::StreamInfo, std::less<>> streams_;
  std::map<std::string, CustomType, std::less<>> types_;
};

// CREATE SOURCE|SINK CONNECTOR. Secrets stand in it as they were written.
struct Connector {
  std::string name;
  bool source = true;
  std::map<std::string, std::string, std::less<>> options;  // as written
  std::string statement;
  Origin origin = Origin::statement;
  bool paused = false;
  std::string topic() const;  // of its options
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
  Properties properties;  // that were set
  Origin origin = Origin::statement;
  std::optional<sql::OnChange> on_change;
  bool paused = false;
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
  Origin origin = Origin::statement;
};

struct World {
  StreamCatalogue catalogue;
  std::map<std::string, Origin> stream_origins;  // of the catalogue's streams
  std::map<std::string, PersistentQuery> queries;
  std::map<std::string, KnownQuery> known;  // by id; those that were not terminated
  std::map<std::string, Connector> connectors;
  std::int64_t next_sequence = 0;  // of the next accepted statement
};

// Streams that a plan reads, sorted, each once.
std::vector<const sql::StreamInfo*> sources_of(const sql::PlanNode& plan);
const sql::SinkStep* sink_of(const sql::PlanNode& plan);
// failed_precondition: a query that wrote, in the end, what it reads would never come to an end.
Result<> check_no_circle(const World& world, const sql::PlanNode& plan,
                         const sql::StreamInfo& sink);

}  // namespace penstock::session
