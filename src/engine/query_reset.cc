#include "engine/query_reset.h"

#include <fmt/format.h>

namespace penstock::engine {
namespace {

Result<> check_position(const Query& query, const topics::TopicInfo& info,
                        const ResetPosition& position) {
  const auto partitions = static_cast<std::int32_t>(info.partitions.size());
  if (position.partition < 0 || position.partition >= partitions)
    return fail(ErrorCode::invalid_argument,
                fmt::format("topic '{}' has no partition {}: its partitions are 0 to {}",
                            query.source_topic().text(), position.partition, partitions - 1));
  const topics::PartitionInfo& range =
      info.partitions[static_cast<std::size_t>(position.partition)];
  if (position.offset >= range.first && position.offset <= range.end) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("partition {} of topic '{}' has the offsets {} to {}, not {}", position.partition,
                  query.source_topic().text(), range.first, range.end, position.offset));
}

}  // namespace

Result<std::vector<ResetPosition>> positions_after_reset(topics::Log& log, const Query& query,
                                                         const ResetTo& to) {
  const topics::TopicInfo info = TRY(log.describe(query.source_topic()));
  std::vector<ResetPosition> out;
  if (const auto* offsets = std::get_if<std::map<std::int32_t, topics::Offset>>(&to)) {
    for (const auto& [partition, offset] : *offsets) {
      out.push_back({partition, offset});
      TRY(check_position(query, info, out.back()));
    }
    return out;
  }
  const bool earliest = std::get<StartAt>(to) == StartAt::earliest;
  for (std::int32_t p = 0; p < query.partitions(); ++p) {
    if (static_cast<std::size_t>(p) >= info.partitions.size()) break;
    const topics::PartitionInfo& range = info.partitions[static_cast<std::size_t>(p)];
    out.push_back({p, earliest ? range.first : range.end});
  }
  return out;
}

Result<> forget_tasks(topics::Log& log, const QueryId& id, std::int32_t tasks) {
  const auto forget = [&](std::size_t stage) -> Result<> {
    for (std::int32_t p = 0; p < tasks; ++p) {
      auto writer = TRY(log.task_writer(Query::writer_id(id, stage, p)));
      TRY_IN(writer->forget(Query::task_id(id, stage, p)),
             fmt::format("forgetting the positions of query {}", id.value()));
    }
    return {};
  };
  TRY(forget(0));
  for (std::size_t stage = 0;; ++stage) {
    const topics::TopicName topic = TRY(topics::TopicName::parse(exchange_topic(id, stage)));
    const Result<topics::TopicInfo> info = log.describe(topic);
    if (!info && info.error().code() == ErrorCode::not_found) break;
    if (!info) return fail(info.error());
    TRY(forget(stage + 1));
  }
  return remove_exchanges(log, id);
}

Result<> remove_exchanges(topics::Log& log, const QueryId& id) {
  for (std::size_t stage = 0;; ++stage) {
    const topics::TopicName topic = TRY(topics::TopicName::parse(exchange_topic(id, stage)));
    const Result<> removed = log.remove(topic);
    if (!removed && removed.error().code() == ErrorCode::not_found) return {};
    TRY_IN(removed, "removing a topic between two stages");
  }
}

Result<> reset_stages(topics::Log& log, const QueryStages& stages,
                      const std::vector<ResetPosition>& positions) {
  TRY(reset_tasks(log, *stages.front(), positions));
  for (std::size_t i = 1; i < stages.size(); ++i)
    TRY(reset_tasks(log, *stages[i], TRY(positions_after_reset(log, *stages[i], StartAt::latest))));
  return {};
}

Result<> reset_tasks(topics::Log& log, const Query& query,
                     const std::vector<ResetPosition>& positions) {
  for (const ResetPosition& position : positions) {
    auto writer = TRY(log.task_writer(query.writer_id(position.partition)));
    topics::TaskPosition at{{query.source_topic(), position.partition},
                            topics::LogPosition{.next = position.offset}};
    TRY(writer->reset(query.task_id(position.partition), {std::move(at)}));
  }
  return {};
}

}  // namespace penstock::engine
