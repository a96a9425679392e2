#include "session/statement_journal.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/clock.h"
#include "session/limits.h"
#include "session/statement_text.h"
#include "topics/random_source.h"
#include "topics/read_to_end.h"

namespace penstock::session {
namespace {

constexpr std::string_view kTopicPrefix = "_statements_";

constexpr std::size_t kReadBytes = 1 << 20;

bool starts_query(Accepted::Kind kind) {
  return kind == Accepted::Kind::create_as || kind == Accepted::Kind::insert;
}

std::string stream_key(std::string_view name) {
  return fmt::format("stream {}", name);
}
std::string type_key(std::string_view name) {
  return fmt::format("type {}", name);
}
std::string connector_key(std::string_view name) {
  return fmt::format("connector {}", name);
}
std::string query_key(std::string_view id) {
  return fmt::format("query {}", id);
}
std::string script_key(const Accepted& script) {
  return fmt::format("{} {}\n{}", script.kind == Accepted::Kind::proved ? "proved" : "refused",
                     script.proof, script.statement);
}

// What makes two records of a name or id the same definition.
std::string definition_of(const Accepted& s) {
  return fmt::format("{} {}\n{}", static_cast<int>(s.origin), s.plan, canonical_text(s.statement));
}

std::string random_id() {
  std::array<std::uint8_t, 8> bytes{};
  topics::kernel_random(bytes);
  return to_hex(bytes);
}

}  // namespace

void JournalState::remember(const Accepted& statement) {
  using Kind = Accepted::Kind;
  switch (statement.kind) {
    case Kind::create_as:
      live_[query_key(statement.query_id)] = definition_of(statement);
      [[fallthrough]];
    case Kind::create:
      live_[stream_key(statement.name)] = definition_of(statement);
      return;
    case Kind::insert:
      live_[query_key(statement.query_id)] = definition_of(statement);
      return;
    case Kind::drop:
      live_.erase(stream_key(statement.name));
      if (statement.topic_deleted) {
        std::erase_if(rows_, [&](const auto& row) { return row.second == statement.name; });
      }
      return;
    case Kind::terminate:
      live_.erase(query_key(statement.query_id));
      to_forget_[statement.query_id] = statement.tasks;
      return;
    case Kind::forgotten:
      to_forget_.erase(statement.query_id);
      return;
    case Kind::row:
      rows_[statement.key] = statement.name;
      return;
    case Kind::create_type:
      live_[type_key(statement.name)] = definition_of(statement);
      return;
    case Kind::drop_type:
      live_.erase(type_key(statement.name));
      return;
    case Kind::create_connector:
      live_[connector_key(statement.name)] = definition_of(statement);
      return;
    case Kind::drop_connector:
      live_.erase(connector_key(statement.name));
      to_forget_[statement.query_id] = statement.tasks;
      return;
    case Kind::configuration:
      configuration_ = statement.key;
      return;
    case Kind::proved:
    case Kind::refused:
      scripts_.insert(script_key(statement));
      return;
    case Kind::pause:
    case Kind::resume:
    case Kind::pause_connector:
    case Kind::resume_connector:
      return;
    case Kind::reset:
      if (!statement.key.empty()) resets_.insert(statement.key);
      return;
  }
}

bool JournalState::has(const Accepted& statement) const {
  using Kind = Accepted::Kind;
  const auto is_live = [&](const std::string& key) {
    const auto at = live_.find(key);
    return at != live_.end() && at->second == definition_of(statement);
  };
  switch (statement.kind) {
    case Kind::create:
      return is_live(stream_key(statement.name));
    case Kind::create_as:
      return is_live(stream_key(statement.name)) && is_live(query_key(statement.query_id));
    case Kind::insert:
      return is_live(query_key(statement.query_id));
    case Kind::create_type:
      return is_live(type_key(statement.name));
    case Kind::create_connector:
      return is_live(connector_key(statement.name));
    case Kind::row:
      return rows_.contains(statement.key);
    case Kind::reset:
      return resets_.contains(statement.key);
    case Kind::configuration:
      return configuration_ == statement.key;
    case Kind::proved:
    case Kind::refused:
      return scripts_.contains(script_key(statement));
    default:
      return false;
  }
}

Result<> check_service_id(std::string_view id) {
  if (!id.empty() && id.size() <= kServiceIdBytesMax) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("service id: expected 1 to {} characters", kServiceIdBytesMax));
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

Result<> StatementJournal::take_turn() {
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
  state_ = {};
  ++loads_;
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
      state_.remember(entry.statement);
      entries_.push_back(std::move(entry));
    }
  }
  return {};
}

std::int64_t StatementJournal::next_number() const {
  return entries_.empty() ? 0 : entries_.back().number + 1;
}

bool StatementJournal::wrote(std::string_view id) const {
  return std::ranges::any_of(entries_, [&](const JournalEntry& entry) { return entry.id == id; });
}

std::vector<JournalEntry> StatementJournal::entries_for(const std::vector<Accepted>& statements,
                                                        const std::string& id) const {
  std::vector<JournalEntry> out;
  JournalState state = state_;
  for (const Accepted& statement : statements) {
    if (state.has(statement)) continue;
    state.remember(statement);
    out.push_back({next_number() + static_cast<std::int64_t>(out.size()), id, statement});
  }
  return out;
}

Result<topics::CommitResult> StatementJournal::write(const std::vector<JournalEntry>& entries,
                                                     const Beside& beside) {
  topics::RecordBatch batch;
  for (const JournalEntry& entry : entries) {
    const std::string record = to_record(entry);
    if (record.size() > kStatementRecordBytesMax) {
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("the statement's record has {} bytes, more than "
                              "the {} that may be",
                              record.size(), kStatementRecordBytesMax));
    }
    batch.append(
        {.key = std::nullopt, .value = as_bytes(record), .timestamp_ms = system_clock().now_ms()});
  }
  auto commit = TRY(writer_->begin());
  TRY(commit->append({topic_, 0}, batch));
  if (beside) TRY(beside(*commit));
  return commit->finish();
}

Result<StatementJournal::Recorded> StatementJournal::append(const std::vector<Accepted>& statements,
                                                            const Beside& beside, bool one_turn) {
  const std::string id = random_id();
  int unknown = 0;
  for (int turn = 1;; ++turn) {
    if (unknown == 0 && entries_for(statements, id).empty()) return Recorded::before;
    TRY_IN(take_turn(), "recording the statement");
    if (wrote(id)) return Recorded::now;  // the commit that was not known is settled
    const std::vector<JournalEntry> entries = entries_for(statements, id);
    if (entries.empty()) return Recorded::before;
    auto done = write(entries, beside);
    if (done && done->outcome == topics::Outcome::committed) {
      for (const JournalEntry& entry : entries) state_.remember(entry.statement);
      entries_.insert(entries_.end(), entries.begin(), entries.end());
      return Recorded::now;
    }
    const Error error = done ? done->error.value() : done.error();
    const bool fenced =
        error.code() == ErrorCode::fenced || (done && done->outcome == topics::Outcome::fenced);
    // Fenced for good unless shared: who would open it again would fence the newer process.
    if (!fenced || shared_) writer_.reset();
    if (done && done->outcome == topics::Outcome::unknown) {
      if (++unknown < kSettleTurnsMax) continue;
      if (auto settled = take_turn(); settled && wrote(id)) return Recorded::now;
    }
    if (!fenced || !shared_ || one_turn || turn == kJournalTurnsMax) {
      return fail(error.in(unknown == 0 ? "recording the statement"
                                        : "recording the statement; whether it was recorded is not "
                                          "known, and the next start will tell"));
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
    out.insert_or_assign(s.query_id,
                         KnownQuery{s.query_id, s.statement, kind, s.name, s.plan, s.origin});
  }
  return out;
}

}  // namespace penstock::session
