#include "session/query_ids.h"

#include <fmt/format.h>

#include "base/ascii.h"
#include "engine/plan_digest.h"
#include "session/statement_text.h"
#include "session/upgrade.h"

namespace penstock::session {
namespace {

constexpr std::size_t kQueryIdBytesMax = 150;  // the dead-letter topic "<id>.dead_letters" must fit

bool is_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

// Names of streams may hold what names of topics may not.
std::string id_part(std::string_view name) {
  std::string out(name.substr(0, kQueryIdBytesMax - 30));
  for (char& c : out) {
    if (!is_id_character(c)) c = '_';
  }
  return out;
}

Result<std::string> checked_id(const std::string& chosen) {
  const std::string id = upper(chosen);
  const bool clean = std::ranges::all_of(id, is_id_character);
  if (id.empty() || id.size() > kQueryIdBytesMax || !clean) {
    return fail(ErrorCode::invalid_statement,
                fmt::format("QUERY_ID: expected 1 to {} letters, digits, '.', '_' or '-'",
                            kQueryIdBytesMax));
  }
  return id;
}

std::string numbered(const NewQuery& query, std::int64_t n) {
  if (query.kind == QueryKind::create_as) return fmt::format("CSAS_{}_{}", id_part(query.sink), n);
  return fmt::format("INSERTQUERY_{}", n);
}

// The same statement, known from an earlier run.
const KnownQuery* same_statement(const World& world, const NewQuery& query) {
  const std::string text = canonical_text(query.statement);
  for (const auto& [id, known] : world.known) {
    if (known.kind == query.kind && known.sink == query.sink &&
        canonical_text(known.statement) == text) {
      return &known;
    }
  }
  return nullptr;
}

const KnownQuery* creator_known(const World& world, const NewQuery& query) {
  if (query.kind != QueryKind::create_as) return nullptr;
  for (const auto& [id, known] : world.known) {
    if (known.kind == query.kind && known.sink == query.sink) return &known;
  }
  return nullptr;
}

std::string free_id(const World& world, const NewQuery& query) {
  for (std::int64_t n = world.next_sequence;; ++n) {
    std::string id = numbered(query, n);
    if (!world.queries.contains(id) && !world.known.contains(id)) return id;
  }
}

Error id_taken(std::string_view id) {
  return Error(ErrorCode::already_exists,
               fmt::format("Query ID '{}' already exists. To run the statement beside it, give it "
                           "a QUERY_ID of its own.",
                           id));
}

Error made_otherwise(const KnownQuery& known, std::string_view now) {
  return query_changed(known, now, "it is known by this id or sink",
                       fmt::format("To start a new query, give it another sink or another "
                                   "QUERY_ID. `penstock sql` can end the old one: TERMINATE {};",
                                   known.id));
}

// In a measured session the disk, which the host can change, must not be able to say which query a
// signed TERMINATE means, nor make a query begin anew. The texts are measured or signed, so nobody
// can choose two with the same hash unseen.
Result<QueryIdentity> measured_identity(const DefinitionContext& context, const NewQuery& query) {
  const std::string text = canonical_text(query.statement);
  const bool by_sink = query.kind == QueryKind::create_as;
  std::string what = by_sink ? fmt::format("sink {}", query.sink) : text;
  if (by_sink && query.on_change == sql::OnChange::restart) what += "\n" + text;
  if (!context.proof.empty()) what += fmt::format("\n{}", context.proof);
  const std::string hash = text_hash(what).substr(0, 12);
  const std::string id = by_sink ? fmt::format("CSAS_{}_{}", id_part(query.sink), hash)
                                 : fmt::format("INSERTQUERY_{}", hash);
  const auto running = context.world.queries.find(id);
  if (running == context.world.queries.end()) return QueryIdentity{id};
  if (context.again == Again::resume && canonical_text(running->second.statement) == text) {
    return QueryIdentity{id, true};
  }
  return fail(id_taken(id));
}

Result<QueryIdentity> chosen_identity(const DefinitionContext& context, const NewQuery& query) {
  const World& world = context.world;
  const std::string id = TRY(checked_id(*query.chosen));
  const auto known = world.known.find(id);
  if (known == world.known.end()) return QueryIdentity{id};
  const bool runs = world.queries.contains(id);
  if (context.topics_later && !runs) return QueryIdentity{id};
  const bool same = canonical_text(known->second.statement) == canonical_text(query.statement);
  if (!same) return fail(made_otherwise(known->second, query.statement));
  if (context.again == Again::refused && runs) return fail(id_taken(id));
  return QueryIdentity{id, runs};
}

}  // namespace

Result<> check_same_plan(const KnownQuery& known, const sql::PlanNode& plan) {
  const std::string now = engine::plan_digest(plan);
  if (known.plan == now) return {};
  return fail(ErrorCode::unsupported,
              fmt::format("Query '{}' was accepted with a plan of digest {}; this version of "
                          "Penstock plans the same statement with digest {}. The planner of "
                          "another version made the first, and the query's positions and state "
                          "belong to it. Run that version, TERMINATE the query there, and start "
                          "it anew with this one.",
                          known.id, known.plan, now));
}

Result<QueryIdentity> identify(const DefinitionContext& context, const NewQuery& query) {
  const World& world = context.world;
  if (context.replayed != nullptr) return QueryIdentity{context.replayed->query_id};
  if (query.chosen) return chosen_identity(context, query);
  if (context.options.catalogue == SessionOptions::CatalogueFrom::measured) {
    return measured_identity(context, query);
  }
  if (context.again == Again::resume) {
    if (const KnownQuery* same = same_statement(world, query)) {
      return QueryIdentity{same->id, world.queries.contains(same->id)};
    }
    if (const KnownQuery* creator = creator_known(world, query)) {
      if (!context.topics_later || world.queries.contains(creator->id)) {
        return fail(made_otherwise(*creator, query.statement));
      }
      return QueryIdentity{creator->id};
    }
  }
  return QueryIdentity{free_id(world, query)};
}

const PersistentQuery* find_query(const World& world, std::string_view id) {
  if (const auto at = world.queries.find(std::string(id)); at != world.queries.end()) {
    return &at->second;
  }
  const auto at = world.queries.find(upper(id));
  return at == world.queries.end() ? nullptr : &at->second;
}

}  // namespace penstock::session
