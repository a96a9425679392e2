#include "session/topic_users.h"

#include <fmt/format.h>

#include "engine/dead_letter.h"
#include "seal/grant.h"
#include "session/live_effects.h"
#include "session/statement_journal.h"

namespace penstock::session {
namespace {

bool is_of(std::string_view stream_topic, const sql::SealSpec& seal, const std::string& topic) {
  return stream_topic == topic ||
         (seal.kind != sql::SealKind::none && seal::grants_topic(stream_topic) == topic);
}

// Empty: it does not use the topic.
std::string use_of(const PersistentQuery& query, const std::string& topic) {
  const sql::StreamInfo& sink = sink_of(*query.plan)->stream;
  if (is_of(sink.topic, sink.seal, topic)) return "writes into it";
  for (const sql::StreamInfo* source : sources_of(*query.plan))
    if (is_of(source->topic, source->seal, topic)) return "reads it";
  return engine::dead_letters_topic(query.id) == topic ? "keeps its dead letters there" : "";
}

}  // namespace

Result<std::vector<TopicUser>> users_of(topics::Log& log, const topics::TopicName& topic) {
  std::vector<TopicUser> users;
  for (const topics::TopicName& name : TRY(log.list())) {
    const std::optional<std::string_view> service = service_of_journal(name);
    if (!service) continue;
    SessionOptions options;
    options.service_id = *service;
    const auto journal = TRY(StatementJournal::open(log, *service));
    const World world = replay(*journal, log, options);
    for (const auto& [id, query] : world.queries)
      if (std::string use = use_of(query, topic.text()); !use.empty())
        users.push_back({options.service_id, id, false, std::move(use)});
    for (const auto& [name, connector] : world.connectors)
      if (connector.topic() == topic.text())
        users.push_back(
            {options.service_id, name, true, connector.source ? "writes into it" : "reads it"});
  }
  return users;
}

}  // namespace penstock::session
