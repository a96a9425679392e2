#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/json.h"
#include "session/limits.h"
#include "session/statement_journal.h"

namespace penstock::session {
namespace {

constexpr std::int64_t kStatementRecordVersion = 3;
constexpr std::size_t kTasksMax = 100'000;  // of a query: a bound on what a record may ask for

struct KindName {
  Accepted::Kind kind;
  std::string_view name;
};
constexpr std::array kKinds = {
    KindName{Accepted::Kind::create, "create"},
    KindName{Accepted::Kind::create_as, "create_as"},
    KindName{Accepted::Kind::insert, "insert"},
    KindName{Accepted::Kind::drop, "drop"},
    KindName{Accepted::Kind::terminate, "terminate"},
    KindName{Accepted::Kind::forgotten, "forgotten"},
    KindName{Accepted::Kind::pause, "pause"},
    KindName{Accepted::Kind::resume, "resume"},
    KindName{Accepted::Kind::reset, "reset"},
    KindName{Accepted::Kind::row, "row"},
    KindName{Accepted::Kind::create_type, "create_type"},
    KindName{Accepted::Kind::drop_type, "drop_type"},
    KindName{Accepted::Kind::create_connector, "create_connector"},
    KindName{Accepted::Kind::drop_connector, "drop_connector"},
    KindName{Accepted::Kind::pause_connector, "pause_connector"},
    KindName{Accepted::Kind::resume_connector, "resume_connector"},
    KindName{Accepted::Kind::configuration, "configuration"},
    KindName{Accepted::Kind::proved, "proved"},
    KindName{Accepted::Kind::refused, "refused"},
};

struct OriginName {
  Origin origin;
  std::string_view name;
};
constexpr std::array kOrigins = {
    OriginName{Origin::file, "file"},
    OriginName{Origin::statement, "statement"},
    OriginName{Origin::signed_statement, "signed"},
};

bool has_plan(Accepted::Kind kind) {
  return kind == Accepted::Kind::create_as || kind == Accepted::Kind::insert;
}
bool has_proof(Accepted::Kind kind) {
  return kind == Accepted::Kind::proved || kind == Accepted::Kind::refused;
}
bool has_key(Accepted::Kind kind) {
  return kind == Accepted::Kind::row || kind == Accepted::Kind::reset ||
         kind == Accepted::Kind::configuration;
}

bool has_tasks(Accepted::Kind kind) {
  return kind == Accepted::Kind::terminate || kind == Accepted::Kind::drop_connector;
}

Result<Properties> parse_properties(const Json& record) {
  const auto found = record.find("properties");
  if (found == record.end() || !found->is_object() ||
      !std::ranges::all_of(*found, [](const Json& value) { return value.is_string(); })) {
    return fail(ErrorCode::corrupt, "statement record: 'properties' must be an object of texts");
  }
  Properties out;
  for (const auto& [name, value] : found->items()) out[name] = value.get<std::string>();
  return out;
}

// The members that only some kinds have.
Result<> parse_special(const Json& json, std::string_view what, Accepted& out) {
  if (has_plan(out.kind)) out.plan = TRY(json_string(json, what, "plan"));
  if (has_proof(out.kind)) out.proof = TRY(json_string(json, what, "proof"));
  if (has_key(out.kind)) out.key = TRY(json_string(json, what, "key"));
  if (has_tasks(out.kind)) {
    const std::int64_t tasks = TRY(json_integer(json, what, "tasks"));
    if (tasks < 0 || tasks > static_cast<std::int64_t>(kTasksMax)) {
      return fail(ErrorCode::corrupt, "statement record: 'tasks' is out of range");
    }
    out.tasks = static_cast<std::int32_t>(tasks);
  }
  if (out.kind == Accepted::Kind::drop) {
    const auto found = json.find("topic_deleted");
    if (found == json.end() || !found->is_boolean()) {
      return fail(ErrorCode::corrupt, "statement record: 'topic_deleted' must be true or false");
    }
    out.topic_deleted = found->get<bool>();
  }
  return {};
}

Result<> check_version(std::int64_t version) {
  if (version == kStatementRecordVersion) return {};
  return fail(ErrorCode::unsupported,
              fmt::format("statement record: it has version {}, written by another version of "
                          "Penstock; this one reads version {}",
                          version, kStatementRecordVersion));
}

}  // namespace

std::string to_record(const JournalEntry& entry) {
  const Accepted& statement = entry.statement;
  OrderedJson out;
  out["v"] = kStatementRecordVersion;
  out["n"] = entry.number;
  out["id"] = entry.id;
  for (const KindName& row : kKinds) {
    if (row.kind == statement.kind) out["kind"] = row.name;
  }
  for (const OriginName& row : kOrigins) {
    if (row.origin == statement.origin) out["origin"] = row.name;
  }
  out["name"] = statement.name;
  out["query"] = statement.query_id;
  out["start"] = statement.start == engine::StartAt::earliest ? "earliest" : "latest";
  out["sql"] = statement.statement;
  out["properties"] = OrderedJson::object();
  for (const auto& [name, value] : statement.properties) out["properties"][name] = value;
  if (has_plan(statement.kind)) out["plan"] = statement.plan;
  if (has_proof(statement.kind)) out["proof"] = statement.proof;
  if (has_key(statement.kind)) out["key"] = statement.key;
  if (has_tasks(statement.kind)) out["tasks"] = statement.tasks;
  if (statement.kind == Accepted::Kind::drop) out["topic_deleted"] = statement.topic_deleted;
  return out.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Result<JournalEntry> parse_record(std::string_view record) {
  constexpr std::string_view kWhat = "statement record";
  const Json json = TRY(parse_json(record, kWhat, {.bytes_max = kStatementRecordBytesMax}));
  TRY(check_version(TRY(json_integer(json, kWhat, "v"))));
  JournalEntry entry;
  entry.number = TRY(json_integer(json, kWhat, "n"));
  if (entry.number < 0 || entry.number > kStatementNumberMax) {
    return fail(ErrorCode::corrupt, "statement record: its number is out of range");
  }
  entry.id = TRY(json_string(json, kWhat, "id"));
  const std::string kind = TRY(json_string(json, kWhat, "kind"));
  const auto* row = std::ranges::find(kKinds, kind, &KindName::name);
  if (row == kKinds.end()) return fail(ErrorCode::corrupt, "statement record: unknown kind");
  const std::string origin = TRY(json_string(json, kWhat, "origin"));
  const auto* from = std::ranges::find(kOrigins, origin, &OriginName::name);
  if (from == kOrigins.end()) return fail(ErrorCode::corrupt, "statement record: unknown origin");
  entry.statement.kind = row->kind;
  entry.statement.origin = from->origin;
  entry.statement.name = TRY(json_string(json, kWhat, "name"));
  entry.statement.query_id = TRY(json_string(json, kWhat, "query"));
  entry.statement.statement = TRY(json_string(json, kWhat, "sql"));
  const std::string start = TRY(json_string(json, kWhat, "start"));
  entry.statement.start = start == "latest" ? engine::StartAt::latest : engine::StartAt::earliest;
  entry.statement.properties = TRY(parse_properties(json));
  TRY(parse_special(json, kWhat, entry.statement));
  return entry;
}

}  // namespace penstock::session
