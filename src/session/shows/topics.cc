// SHOW TOPICS.
#include "session/shows/show.h"

namespace penstock::session::shows {
namespace {

// Our own bookkeeping is not shown, as ksqlDB hides its internal topics.
bool is_hidden(const topics::TopicName& topic) {
  return topic.text().starts_with("_");
}

OrderedJson topic_row(const topics::TopicSpec& topic, bool extended) {
  OrderedJson row;
  row["name"] = topic.name.text();
  row["replicaInfo"] = OrderedJson(std::vector<int>(static_cast<std::size_t>(topic.partitions), 1));
  if (!extended) return row;
  row["consumerCount"] = 0;
  row["consumerGroupCount"] = 0;
  return row;
}

Result<Shown> answer_topics(const ShowContext& context, const sql::ShowStatement& statement) {
  const bool extended = statement.has("EXTENDED");
  Shown out{.type = extended ? "kafka_topics_extended" : "kafka_topics", .members = {}};
  out.members["topics"] = OrderedJson::array();
  for (const topics::TopicName& topic : TRY(context.log.list())) {
    if (is_hidden(topic)) continue;
    auto info = context.log.describe(topic);
    if (!info && info.error().code() == ErrorCode::not_found) continue;  // removed just now
    if (!info) return fail(std::move(info).error());
    out.members["topics"].push_back(topic_row(info->spec, extended));
  }
  return out;
}

TableOf topics_table() {
  return {.rows = "topics",
          .columns = {
              {.title = "Topic", .member = "name"},
              {.title = "Partitions", .member = "replicaInfo", .text = count_of, .right = true}}};
}

}  // namespace

Show show_topics() {
  return {.syntax = "SHOW [ALL] TOPICS [EXTENDED]",
          .answer = answer_topics,
          .layouts = {{.type = "kafka_topics", .page = topics_table()},
                      {.type = "kafka_topics_extended", .page = topics_table()}}};
}

}  // namespace penstock::session::shows
