// SHOW QUERIES.
#include "session/query_rows.h"
#include "session/shows/shapes.h"
#include "session/shows/show.h"
#include "session/shows/source_page.h"

namespace penstock::session::shows {
namespace {

// A push or pull query: rows are on their way to a client.
OrderedJson push_of(const PushQueryRow& row) {
  OrderedJson out;
  out["queryString"] = row.statement + ";";
  out["sinks"] = OrderedJson::array();
  out["sinkKafkaTopics"] = OrderedJson::array();
  out["id"] = row.id;
  out["statusCount"]["RUNNING"] = 1;
  out["queryType"] = "PUSH";
  out["state"] = "RUNNING";
  return out;
}

Result<Shown> answer_queries(const ShowContext& context, const sql::ShowStatement&) {
  Shown out{.type = "queries", .members = {}};
  OrderedJson& rows = out.members["queries"] = OrderedJson::array();
  for (const QueryRow& row : query_rows(context.world.queries, context.runtime))
    rows.push_back(query_of(row));
  if (context.pushes == nullptr) return out;
  for (const PushQueryRow& row : context.pushes->rows()) rows.push_back(push_of(row));
  return out;
}

}  // namespace

Show show_queries() {
  return {
      .syntax = "SHOW QUERIES [EXTENDED]",
      .answer = answer_queries,
      .layouts = {{.type = "queries",
                   .page = TableOf{
                       .rows = "queries",
                       .columns = {{.title = "Query ID", .member = "id"},
                                   {.title = "Type", .member = "queryType"},
                                   {.title = "State", .member = "state", .text = state_of},
                                   {.title = "Sink", .member = "sinks", .text = joined},
                                   {.title = "Topic", .member = "sinkKafkaTopics", .text = joined},
                                   {.title = "Statement", .member = "queryString"}},
                       .note = "EXPLAIN <query id>; shows how a query works"}}}};
}

}  // namespace penstock::session::shows
