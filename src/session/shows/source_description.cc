#include "session/shows/source_description.h"

#include <algorithm>

#include <fmt/format.h>

#include "session/dry_effects.h"
#include "session/query_rows.h"
#include "session/shows/shapes.h"

namespace penstock::session::shows {
namespace {

OrderedJson queries_of(const std::vector<QueryRow>& rows) {
  OrderedJson out = OrderedJson::array();
  for (const QueryRow& row : rows) out.push_back(query_of(row));
  return out;
}

// Positions of the queries that read the stream, per query as ksqlDB shows them per consumer group.
OrderedJson offsets_of(const DescribedSource& described) {
  OrderedJson out = OrderedJson::array();
  for (const QueryRow& query : described.readers) {
    OrderedJson topic;
    topic["kafkaTopic"] = described.source.topic;
    topic["offsets"] = OrderedJson::array();
    for (const engine::PartitionProgress& progress : query.stats.progress) {
      OrderedJson offset;
      offset["partition"] = progress.partition;
      offset["logStartOffset"] = 0;
      offset["logEndOffset"] = progress.end;
      offset["consumerOffset"] = progress.position;
      topic["offsets"].push_back(std::move(offset));
    }
    OrderedJson summary;
    summary["groupId"] = query.id;
    summary["topicSummaries"] = OrderedJson::array({std::move(topic)});
    out.push_back(std::move(summary));
  }
  return out;
}

}  // namespace

Result<DescribedSource> described(const ShowContext& context, const sql::SourceInfo& source,
                                  bool extended) {
  DescribedSource out{
      .source = source, .partitions = 0, .readers = {}, .writers = {}, .extended = extended};
  const auto topic = TRY(topics::TopicName::parse(source.topic));
  const auto spec = TRY(topic_in(context.log, topic));
  out.partitions = spec ? spec->partitions : 0;
  const auto stats = context.runtime.stats();
  for (const auto& [id, query] : context.world.queries) {
    if (std::ranges::find(query.sources, source.name) != query.sources.end())
      out.readers.push_back(query_row(query, stats));
    if (query.sink == source.name) out.writers.push_back(query_row(query, stats));
  }
  return out;
}

OrderedJson to_shape(const DescribedSource& described) {
  const sql::SourceInfo& source = described.source;
  OrderedJson out;
  out["name"] = source.name;
  out["windowType"] = nullptr;
  if (source.window) out["windowType"] = sql::name_of(source.window->kind);
  out["readQueries"] = queries_of(described.readers);
  out["writeQueries"] = queries_of(described.writers);
  out["fields"] = fields_of(source.schema);
  out["type"] = sql::name_of(source.kind);
  out["timestamp"] = source.timestamp_column.value_or("");
  out["statistics"] = "";
  out["errorStats"] = "";
  out["extended"] = described.extended;
  out["keyFormat"] = sql::name_of(source.key_format);
  out["valueFormat"] = sql::name_of(source.value_format);
  out["topic"] = source.topic;
  out["partitions"] = described.partitions;
  out["replication"] = described.partitions == 0 ? 0 : 1;
  out["statement"] = source.statement + ";";
  out["queryOffsetSummaries"] = described.extended ? offsets_of(described) : OrderedJson::array();
  out["sourceConstraints"] = OrderedJson::array();
  out["clusterStatistics"] = OrderedJson::array();
  out["clusterErrorStats"] = OrderedJson::array();
  return out;
}

}  // namespace penstock::session::shows
