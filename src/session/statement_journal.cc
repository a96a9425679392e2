#include "session/statement_journal.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/json.h"
#include "session/limits.h"
#include "session/statement_text.h"
#include "topics/read_to_end.h"

namespace penstock::session {
namespace {

constexpr std::string_view kTopicPrefix = "_statements_";

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::int64_t kStatementRecordVersion = 2;

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
    KindName{Accepted::Kind::reset, "reset"},
    KindName{Accepted::Kind::proved, "proved"},
};

bool starts_query(Accepted::Kind kind) {
  return kind == Accepted::Kind::create_as || kind == Accepted::Kind::insert;
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

std::string stream_key(std::string_view name) {
  return fmt::format("stream {}", name);
}
std::string query_key(std::string_view id) {
  return fmt::format("query {}", id);
}

}  // namespace

std::string to_record(const Accepted& statement, std::int64_t number) {
  OrderedJson out;
  out["v"] = kStatementRecordVersion;
  out["n"] = number;
  for (const KindName& row : kKinds) {
    if (row.kind == statement.kind) out["kind"] = row.name;
  }
  out["name"] = statement.name;
  out["query"] = statement.query_id;
  out["start"] = statement.start == engine::StartAt::earliest ? "earliest" : "latest";
  out["sql"] = statement.statement;
  out["properties"] = OrderedJson::object();
  for (const auto& [name, value] : statement.properties) out["properties"][name] = value;
  if (starts_query(statement.kind)) out["plan"] = statement.plan;
  if (statement.kind == Accepted::Kind::proved) out["proof"] = statement.proof;
  return out.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Result<JournalEntry> parse_record(std::string_view record) {
  constexpr std::string_view kWhat = "statement record";
  const Json json = TRY(parse_json(record, kWhat, {.bytes_max = kStatementRecordBytesMax}));
  if (const auto version = TRY(json_integer(json, kWhat, "v"));
      version != kStatementRecordVersion) {
    return fail(ErrorCode::unsupported,
                fmt::format("statement record: it has version {}, written by another version of "
                            "Penstock; this one reads version {}",
                            version, kStatementRecordVersion));
  }
  JournalEntry entry;
  entry.number = TRY(json_integer(json, kWhat, "n"));
  if (entry.number < 0 || entry.number > kStatementNumberMax) {
    return fail(ErrorCode::corrupt, "statement record: its number is out of range");
  }
  const std::string kind = TRY(json_string(json, kWhat, "kind"));
  const auto* row = std::ranges::find(kKinds, kind, &KindName::name);
  if (row == kKinds.end()) return fail(ErrorCode::corrupt, "statement record: unknown kind");
  entry.statement.kind = row->kind;
  entry.statement.name = TRY(json_string(json, kWhat, "name"));
  entry.statement.query_id = TRY(json_string(json, kWhat, "query"));
  entry.statement.statement = TRY(json_string(json, kWhat, "sql"));
  const std::string start = TRY(json_string(json, kWhat, "start"));
  entry.statement.start = start == "latest" ? engine::StartAt::latest : engine::StartAt::earliest;
  entry.statement.properties = TRY(parse_properties(json));
  if (starts_query(entry.statement.kind)) {
    entry.statement.plan = TRY(json_string(json, kWhat, "plan"));
  }
  if (entry.statement.kind == Accepted::Kind::proved) {
    entry.statement.proof = TRY(json_string(json, kWhat, "proof"));
  }
  return entry;
}

std::optional<std::string_view> service_of_journal(const topics::TopicName& topic) {
  if (!topic.text().starts_with(kTopicPrefix)) return std::nullopt;
  return std::string_view(topic.text()).substr(kTopicPrefix.size());
}

Result<std::unique_ptr<StatementJournal>> StatementJournal::open(topics::Log& log,
                                                                 std::string_view service_id,
                                                                 bool shared) {
  auto topic =
      TRY_IN(topics::TopicName::parse(fmt::format("{}{}", kTopicPrefix, service_id)), "service id");
  std::unique_ptr<StatementJournal> journal(new StatementJournal(log, topic));
  journal->writer_id_ = fmt::format("statements_{}", service_id);
  journal->shared_ = shared;
  TRY_IN(journal->load(), fmt::format("topic '{}'", topic.text()));
  return journal;
}

Result<> StatementJournal::open_writer() {
  if (writer_) return {};
  if (auto there = log_.describe(topic_); !there) {
    if (there.error().code() != ErrorCode::not_found) return fail(std::move(there).error());
    auto made = log_.create({.name = topic_, .partitions = 1, .compacted = false});
    if (!made && made.error().code() != ErrorCode::already_exists) return made;
  }
  auto writer = TRY(log_.writer(topics::WriterId(writer_id_)));
  TRY(load());  // what others wrote in between; from here on they are fenced
  writer_ = std::move(writer);
  return {};
}

Result<> StatementJournal::load() {
  entries_.clear();
  live_.clear();
  const topics::TopicPartition partition{topic_, 0};
  const auto info = log_.describe(topic_);
  if (!info && info.error().code() == ErrorCode::not_found) return {};
  const topics::PartitionInfo there = TRY(info).partitions.at(0);
  auto reader = TRY(log_.reader(partition, there.first));
  topics::ReadBuffer buffer;
  while (TRY(topics::next_before(log_, *reader, there.end, buffer, kReadBytes)) > 0) {
    for (std::size_t row = 0; row < buffer.size(); ++row) {
      auto entry = TRY_IN(parse_record(as_text(buffer.values[row].bytes())),
                          fmt::format("offset {}", buffer.offsets[row]));
      remember(entry.statement);
      entries_.push_back(std::move(entry));
    }
  }
  return {};
}

std::int64_t StatementJournal::next_number() const {
  return entries_.empty() ? 0 : entries_.back().number + 1;
}

void StatementJournal::remember(const Accepted& statement) {
  const std::string text = canonical_text(statement.statement);
  switch (statement.kind) {
    case Accepted::Kind::create_as:
      live_[query_key(statement.query_id)] = text;
      [[fallthrough]];
    case Accepted::Kind::create:
      live_[stream_key(statement.name)] = text;
      break;
    case Accepted::Kind::insert:
      live_[query_key(statement.query_id)] = text;
      break;
    case Accepted::Kind::drop:
      live_.erase(stream_key(statement.name));
      break;
    case Accepted::Kind::terminate:
      live_.erase(query_key(statement.query_id));
      break;
    case Accepted::Kind::reset:
    case Accepted::Kind::proved:
      break;
  }
}

bool StatementJournal::knows(const Accepted& statement) const {
  const bool defines = statement.kind == Accepted::Kind::create ||
                       statement.kind == Accepted::Kind::create_as ||
                       statement.kind == Accepted::Kind::insert;
  const bool has_stream = statement.kind != Accepted::Kind::insert;
  const bool has_query = statement.kind != Accepted::Kind::create;
  const std::string text = canonical_text(statement.statement);
  const auto is_live = [&](const std::string& key) {
    const auto at = live_.find(key);
    return at != live_.end() && at->second == text;
  };
  return defines && (!has_stream || is_live(stream_key(statement.name))) &&
         (!has_query || is_live(query_key(statement.query_id)));
}

Result<topics::CommitResult> StatementJournal::write(const JournalEntry& entry) {
  const std::string record = to_record(entry.statement, entry.number);
  if (record.size() > kStatementRecordBytesMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("the statement's record has {} bytes, more than "
                            "the {} that may be",
                            record.size(), kStatementRecordBytesMax));
  }
  topics::RecordBatch batch;
  batch.append(
      {.key = std::nullopt, .value = as_bytes(record), .timestamp_ms = system_clock().now_ms()});
  auto commit = TRY(writer_->begin());
  TRY(commit->append({topic_, 0}, batch));
  return commit->finish();
}

Result<> StatementJournal::append(const Accepted& statement) {
  for (int turn = 1;; ++turn) {
    if (knows(statement)) return {};
    TRY(open_writer());
    if (knows(statement)) return {};
    JournalEntry entry{next_number(), statement};
    auto done = write(entry);
    if (done && done->outcome == topics::Outcome::committed) {
      remember(statement);
      entries_.push_back(std::move(entry));
      return {};
    }
    const Error error = done ? done->error.value() : done.error();
    const bool fenced =
        error.code() == ErrorCode::fenced || (done && done->outcome == topics::Outcome::fenced);
    // Fenced for good unless shared: who would open it again would fence the newer process.
    if (!fenced || shared_) writer_.reset();
    if (!fenced || !shared_ || turn == kJournalTurnsMax) {
      return fail(error.in("recording the statement"));
    }
  }
}

std::map<std::string, KnownQuery> StatementJournal::known_queries() const {
  std::map<std::string, KnownQuery> out;
  for (const JournalEntry& entry : entries_) {
    const Accepted& s = entry.statement;
    if (s.kind == Accepted::Kind::terminate) out.erase(s.query_id);
    if (!starts_query(s.kind)) continue;
    const auto kind =
        s.kind == Accepted::Kind::create_as ? QueryKind::create_as : QueryKind::insert;
    out.insert_or_assign(s.query_id, KnownQuery{s.query_id, s.statement, kind, s.name, s.plan});
  }
  return out;
}

}  // namespace penstock::session
