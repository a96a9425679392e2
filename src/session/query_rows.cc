#include "session/query_rows.h"

#include <algorithm>

#include "engine/dead_letter.h"

namespace penstock::session {

QueryRow query_row(const PersistentQuery& query, const std::vector<engine::QueryStats>& stats) {
  QueryRow row{.id = query.id,
               .statement = query.statement,
               .sink = query.sink,
               .sink_topic = query.sink_topic,
               .dead_letters_topic = engine::dead_letters_topic(query.id),
               .stats = {}};
  const auto at = std::ranges::find(stats, query.id, [](const auto& s) { return s.id.value(); });
  if (at != stats.end()) row.stats = *at;
  row.stats.id = engine::QueryId(query.id);
  return row;
}

std::vector<QueryRow> query_rows(const std::map<std::string, PersistentQuery>& queries,
                                 const engine::Runtime& runtime) {
  const auto stats = runtime.stats();
  std::vector<QueryRow> out;
  for (const auto& [id, query] : queries) out.push_back(query_row(query, stats));
  return out;
}

}  // namespace penstock::session
