#include "session/configuration.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/plan_digest.h"
#include "session/restart.h"
#include "session/statement_text.h"
#include "session/upgrade.h"

namespace penstock::session {
namespace {

bool is_replaced(const Predecessor& before, Origin origin) {
  return before.measured || origin == Origin::file;
}

bool is_files(const Predecessor& before, Origin origin) {
  return before.measured || origin != Origin::statement;
}

Origin origin_of(const World& world, const std::string& stream) {
  const auto at = world.stream_origins.find(stream);
  return at == world.stream_origins.end() ? Origin::statement : at->second;
}

// A query that is gone and wrote where this new one writes: does the new one take its place?
Result<> check_successor(const Predecessor& before, const World& now, const PersistentQuery& query,
                         const std::vector<std::string>& sources) {
  if (query.on_change == sql::OnChange::restart) return {};
  for (const auto& [id, old] : before.world.known) {
    if (now.queries.contains(id) || !is_replaced(before, old.origin)) continue;
    if (old.kind != query.kind || old.sink != query.sink) continue;
    const auto planned = before.world.queries.find(id);
    const bool reads_others = planned != before.world.queries.end() &&
                              query.kind == QueryKind::insert && planned->second.sources != sources;
    if (reads_others) continue;
    return fail(query_changed(
        old, query.statement, "a new query would write the same records again",
        fmt::format("To go on from its positions, put QUERY_ID='{}' into the WITH (...) of the new "
                    "one; with ON_CHANGE='restart' there the old one ends and the new one reads "
                    "from the start.",
                    id)));
  }
  return {};
}

Result<std::optional<Change>> change_of(const Predecessor& before, const World& now,
                                        const PersistentQuery& query) {
  Change change{.kind = Change::Kind::added,
                .what = fmt::format("query {}", query.id),
                .was = {},
                .now = query.statement,
                .query_id = query.id};
  const auto known = before.world.known.find(query.id);
  if (known == before.world.known.end()) {
    TRY(check_successor(before, now, query, query.sources));
    return change;
  }
  change.was = known->second.statement;
  const auto planned = before.world.queries.find(query.id);
  const sql::PlanNode* plan =
      planned == before.world.queries.end() ? nullptr : planned->second.plan.get();
  switch (TRY(upgrade_of({known->second, plan}, query))) {
    case Upgrade::none:
      return std::nullopt;
    case Upgrade::go_on:
      change.kind = Change::Kind::continued;
      break;
    case Upgrade::restart:
      change.kind = Change::Kind::restarted;
      break;
  }
  return change;
}

// Queries that the world keeps, which came by statements.
std::vector<std::string> users_of(const World& now, const std::string& stream) {
  std::vector<std::string> out;
  for (const auto& [id, query] : now.queries) {
    if (query.origin != Origin::statement) continue;
    const bool reads = std::ranges::find(query.sources, stream) != query.sources.end();
    if (reads || query.sink == stream) out.push_back(id);
  }
  return out;
}

bool same_declaration(const sql::StreamInfo& a, const sql::StreamInfo& b) {
  return a.topic == b.topic && a.schema.text() == b.schema.text() && a.key_format == b.key_format &&
         a.value_format == b.value_format && a.value_delimiter == b.value_delimiter &&
         a.seal == b.seal && a.timestamp_column == b.timestamp_column && a.headers == b.headers &&
         a.kind == b.kind && a.read_only == b.read_only && a.window == b.window &&
         a.key_delimiter == b.key_delimiter && a.timestamp_format == b.timestamp_format &&
         a.wrap_single_value == b.wrap_single_value && a.header_columns == b.header_columns &&
         a.on_error == b.on_error;
}

Error used_otherwise(const std::string& name, const sql::StreamInfo& was, std::string_view now,
                     const std::vector<std::string>& users) {
  return Error(
      ErrorCode::failed_precondition,
      fmt::format("Stream {} would be {}, and queries use it that came by statements, not by a "
                  "file: [{}].\n  it was: {}\n  now:    {}\nKeep it as it is, or end them first "
                  "(`penstock sql`): TERMINATE {};",
                  name, now.empty() ? "missing" : "another", fmt::join(users, ", "),
                  canonical_text(was.statement), now.empty() ? "-" : canonical_text(now),
                  fmt::join(users, "; TERMINATE ")));
}

Result<> add_streams(const Predecessor& before, const World& now, std::vector<Change>& out) {
  for (const auto& [name, was] : before.world.catalogue.streams()) {
    if (!is_replaced(before, origin_of(before.world, name))) continue;
    const sql::StreamInfo* is = now.catalogue.find(name);
    if (is != nullptr && same_declaration(was, *is)) continue;
    const std::vector<std::string> users = users_of(now, name);
    if (!users.empty()) {
      return fail(used_otherwise(name, was, is == nullptr ? "" : is->statement, users));
    }
    out.push_back({.kind = is == nullptr ? Change::Kind::dropped : Change::Kind::declared,
                   .what = fmt::format("stream {}", name),
                   .was = was.statement,
                   .now = is == nullptr ? std::string() : is->statement,
                   .stream = name});
  }
  for (const auto& [name, is] : now.catalogue.streams()) {
    if (before.world.catalogue.find(name) != nullptr) continue;
    out.push_back({.kind = Change::Kind::added,
                   .what = fmt::format("stream {}", name),
                   .was = {},
                   .now = is.statement,
                   .stream = name});
  }
  return {};
}

// A changed connector goes on from its position, since what it stands in may be the same session.
// That it is the other end now, or of another topic, no position can mean.
Result<> add_connectors(const Predecessor& before, const World& now, std::vector<Change>& out) {
  for (const auto& [name, was] : before.world.connectors) {
    if (!is_replaced(before, was.origin) || now.connectors.contains(name)) continue;
    out.push_back({.kind = Change::Kind::dropped,
                   .what = fmt::format("connector {}", name),
                   .was = was.statement,
                   .now = {},
                   .connector = name});
  }
  for (const auto& [name, is] : now.connectors) {
    const auto was = before.world.connectors.find(name);
    Change change{.kind = Change::Kind::added,
                  .what = fmt::format("connector {}", name),
                  .was = {},
                  .now = is.statement,
                  .connector = name};
    if (was != before.world.connectors.end()) {
      if (canonical_text(was->second.statement) == canonical_text(is.statement)) continue;
      if (was->second.source != is.source || was->second.topic() != is.topic())
        return fail(ErrorCode::failed_precondition,
                    fmt::format("Connector {} would be the other end, or of another topic: its "
                                "position means nothing there. Give the new one another name.",
                                name));
      change.kind = Change::Kind::continued;
    }
    out.push_back(std::move(change));
  }
  return {};
}

constexpr std::string_view mark_of(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::added:
      return "+ starts";
    case Change::Kind::declared:
      return "~ declares anew";
    case Change::Kind::continued:
      return "~ changes, from its positions,";
    case Change::Kind::restarted:
      return "~ changes, and reads from the start,";
    case Change::Kind::ended:
      return "- ends";
    case Change::Kind::dropped:
      return "- drops (its topic stays)";
  }
  return "?";
}

}  // namespace

std::string title_of(const Change& change) {
  const bool declares = change.kind == Change::Kind::added && !change.stream.empty();
  return fmt::format("{} {}", declares ? "+ declares" : mark_of(change.kind), change.what);
}

bool is_shown_by_another(const Change& change, const std::vector<Change>& changes) {
  if (change.stream.empty()) return false;
  return std::ranges::any_of(changes, [&](const Change& other) {
    const std::string& text = change.now.empty() ? change.was : change.now;
    return !other.query_id.empty() && (change.now.empty() ? other.was : other.now) == text;
  });
}

std::string text_of(const std::vector<Change>& changes) {
  std::string out;
  for (const Change& change : changes) {
    if (is_shown_by_another(change, changes)) continue;
    out += title_of(change) + "\n";
    if (!change.was.empty()) out += fmt::format("    was: {}\n", canonical_text(change.was));
    if (!change.now.empty()) out += fmt::format("    now: {}\n", canonical_text(change.now));
  }
  return out;
}

Result<std::vector<Change>> changes_between(const Predecessor& before, const World& now) {
  std::vector<Change> out;
  for (const auto& [id, known] : before.world.known) {
    if (now.queries.contains(id) || !is_replaced(before, known.origin)) continue;
    out.push_back({.kind = Change::Kind::ended,
                   .what = fmt::format("query {}", id),
                   .was = known.statement,
                   .now = {},
                   .query_id = id});
  }
  TRY(add_streams(before, now, out));
  TRY(add_connectors(before, now, out));
  for (const auto& [id, query] : now.queries) {
    if (!is_files(before, query.origin)) continue;
    if (auto change = TRY(change_of(before, now, query))) out.push_back(*std::move(change));
  }
  return out;
}

Result<std::vector<Change>> changes_between(const std::vector<MeasuredScript>& before,
                                            const std::vector<MeasuredScript>& now) {
  const SessionOptions options{.default_partitions = 1};
  World old_world;
  GatheredEffects nothing(nullptr), nothing_either(nullptr);
  const ScriptPlace place{.log = nullptr, .runtime = nullptr, .keys = nullptr, .options = options};
  TRY_IN(gather_files(place, before, old_world, nothing), "the older one");
  World new_world;
  new_world.known = old_world.known;
  new_world.next_sequence = old_world.next_sequence;
  TRY_IN(gather_files(place, now, new_world, nothing_either), "the newer one");
  return changes_between(Predecessor{old_world}, new_world);
}

std::string digest_of(const std::vector<MeasuredScript>& scripts) {
  std::string all;
  for (const MeasuredScript& script : scripts) all += fmt::format("{}\n;\n", script.text);
  return text_hash(all);
}

}  // namespace penstock::session
