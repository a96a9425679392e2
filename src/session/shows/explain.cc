#include "session/shows/explain.h"

#include <fmt/format.h>

#include "session/query_ids.h"
#include "session/query_rows.h"
#include "session/shows/shapes.h"
#include "session/shows/source_page.h"

namespace penstock::session::shows {
namespace {

QueryDescription of_plan(const sql::PlanNode& plan, std::string_view text) {
  QueryDescription out{.id = {},
                       .statement = std::string(text),
                       .plan = sql::to_text(plan),
                       .schema = plan.schema,
                       .sources = {},
                       .sinks = {},
                       .stats = std::nullopt};
  for (const sql::StreamInfo* source : sources_of(plan)) out.sources.push_back(source->name);
  if (const sql::SinkStep* sink = sink_of(plan)) out.sinks.push_back(sink->stream.name);
  return out;
}

void append_query(Page& page, const OrderedJson& query) {
  if (std::string id = text_of(query, "id"); !id.empty())
    page.emplace_back(PageLine{"Query", std::move(id)});
  page.emplace_back(PageLines{"Statement", text_of(query, "statementText")});
  if (std::string state = state_of(query); !state.empty())
    page.emplace_back(PageLine{"State", std::move(state)});
  page.emplace_back(PageLine{"Reads", joined(query, "sources")});
  page.emplace_back(PageLine{"Writes", joined(query, "sinks")});
  page.emplace_back(fields_table(member(query, "fields")));
  page.emplace_back(PageLines{"Plan", text_of(query, "executionPlan")});
}

Page query_page(const OrderedJson& entity) {
  Page page;
  append_query(page, member(entity, "queryDescription"));
  return page;
}

// ksqlDB's answer to SHOW QUERIES EXTENDED.
Page every_query_page(const OrderedJson& entity) {
  Page page;
  for (const OrderedJson& query : member(entity, "queryDescriptions")) {
    if (!page.empty()) page.emplace_back(PageGap{});
    append_query(page, query);
  }
  return page;
}

}  // namespace

Result<QueryDescription> explain(const ShowContext& context,
                                 const sql::ExplainStatement& statement) {
  if (statement.query_id) {
    const PersistentQuery* query = find_query(context.world, *statement.query_id);
    if (query == nullptr) {
      return fail(ErrorCode::not_found,
                  fmt::format("Query with id:{} does not exist, use SHOW QUERIES to view the full "
                              "set of queries.",
                              *statement.query_id));
    }
    QueryDescription out = of_plan(*query->plan, query->statement);
    out.id = query->id;
    out.stats = query_row(*query, context.runtime.stats()).stats;
    return out;
  }
  const sql::Statement& explained = *statement.statement;
  if (const auto* select = std::get_if<sql::SelectQuery>(&explained.node)) {
    return of_plan(*select->plan, explained.text);
  }
  if (const auto* create = std::get_if<sql::CreateStreamAs>(&explained.node)) {
    return of_plan(*create->plan, explained.text);
  }
  if (const auto* insert = std::get_if<sql::InsertSelect>(&explained.node)) {
    return of_plan(*insert->plan, explained.text);
  }
  return fail(
      ErrorCode::invalid_statement,
      "EXPLAIN: expected a query: SELECT, CREATE STREAM AS SELECT or INSERT INTO ... SELECT");
}

Shown to_shown(const QueryDescription& described, std::string_view host) {
  OrderedJson query;
  query["id"] = described.id;
  query["statementText"] = described.statement + ";";
  query["windowType"] = nullptr;
  query["fields"] = fields_of(described.schema);
  query["sources"] = strings(described.sources);
  query["sinks"] = strings(described.sinks);
  query["topology"] = described.plan;
  query["executionPlan"] = described.plan;
  query["overriddenProperties"] = OrderedJson::object();
  query["ksqlHostQueryStatus"] = OrderedJson::object();
  query["queryType"] = described.sinks.empty() ? "PUSH" : "PERSISTENT";
  query["queryErrors"] = OrderedJson::array();
  query["tasksMetadata"] = OrderedJson::array();
  query["consumerGroupId"] = described.id;
  query["state"] = nullptr;
  if (described.stats) {
    const std::string_view state = engine::name_of(described.stats->state);
    query["state"] = state;
    query["ksqlHostQueryStatus"][std::string(host)] = state;
    if (described.stats->error) {
      OrderedJson error;
      error["timestamp"] = 0;
      error["type"] = facts_of(described.stats->error->code()).name;
      error["errorMessage"] = described.stats->error->text();
      query["queryErrors"].push_back(std::move(error));
    }
  }
  Shown out{.type = "queryDescription", .members = {}};
  out.members["queryDescription"] = std::move(query);
  return out;
}

std::vector<Layout> explain_layouts() {
  return {{.type = "queryDescription", .page = query_page},
          {.type = "query_descriptions", .page = every_query_page}};
}

}  // namespace penstock::session::shows
