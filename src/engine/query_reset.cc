#include "engine/query_reset.h"

#include <fmt/format.h>

namespace penstock::engine {
namespace {

topics::TaskPosition task_position(const topics::TopicName& topic, std::int32_t partition,
                                   topics::Offset offset) {
  return {{topic, partition}, topics::LogPosition{.next = offset}};
}

Result<> check_position(const topics::TopicName& topic, const topics::TopicInfo& info,
                        std::int32_t partition, topics::Offset offset) {
  const auto partitions = static_cast<std::int32_t>(info.partitions.size());
  if (partition < 0 || partition >= partitions)
    return fail(ErrorCode::invalid_argument,
                fmt::format("topic '{}' has no partition {}: its partitions are 0 to {}",
                            topic.text(), partition, partitions - 1));
  const topics::PartitionInfo& range = info.partitions[static_cast<std::size_t>(partition)];
  if (offset >= range.first && offset <= range.end) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("partition {} of topic '{}' has the offsets {} to {}, not {}", partition,
                          topic.text(), range.first, range.end, offset));
}

Result<StagePositions> at_offsets(topics::Log& log, const Query& query,
                                  const std::map<std::int32_t, topics::Offset>& offsets) {
  const topics::TopicName& topic = query.source_topic();
  const topics::TopicInfo info = TRY(log.describe(topic));
  StagePositions out;
  for (const auto& [partition, offset] : offsets) {
    TRY(check_position(topic, info, partition, offset));
    out.push_back({partition, {task_position(topic, partition, offset)}});
  }
  return out;
}

Result<StagePositions> at_one_end(topics::Log& log, const Query& query, StartAt to) {
  StagePositions out;
  for (std::int32_t p = 0; p < query.partitions(); ++p) out.push_back({p, {}});
  for (const topics::TopicName& topic : query.sources()) {
    const topics::TopicInfo info = TRY(log.describe(topic));
    for (TaskReset& task : out) {
      const auto at = static_cast<std::size_t>(task.partition);
      if (at >= info.partitions.size()) continue;
      const topics::PartitionInfo& range = info.partitions[at];
      task.positions.push_back(
          task_position(topic, task.partition, to == StartAt::earliest ? range.first : range.end));
    }
  }
  std::erase_if(out, [](const TaskReset& task) { return task.positions.empty(); });
  return out;
}

// Of what the stage of this number writes for others; none: it writes for nobody.
Result<std::optional<topics::TopicName>> exchange_behind(topics::Log& log, const QueryId& id,
                                                         std::size_t stage) {
  for (const ExchangeKind kind : kExchangeKinds) {
    topics::TopicName topic = TRY(topics::TopicName::parse(exchange_topic(id, stage, kind)));
    const Result<topics::TopicInfo> info = log.describe(topic);
    if (info) return topic;
    if (info.error().code() != ErrorCode::not_found) return fail(info.error());
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<StagePositions>> positions_after_reset(topics::Log& log,
                                                          const QueryStages& stages,
                                                          const ResetTo& to) {
  std::size_t sources = 0;
  for (const auto& stage : stages)
    if (!stage->reads_exchange()) sources += stage->sources().size();
  const auto* offsets = std::get_if<std::map<std::int32_t, topics::Offset>>(&to);
  if (offsets != nullptr && sources > 1)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("query {} reads several topics, so offsets by partition say too little: "
                    "RESET POSITIONS TO EARLIEST or LATEST",
                    stages.front()->id().value()));
  std::vector<StagePositions> out;
  for (const auto& stage : stages) {
    if (stage->reads_exchange())
      out.push_back(TRY(at_one_end(log, *stage, StartAt::latest)));
    else if (offsets != nullptr)
      out.push_back(TRY(at_offsets(log, *stage, *offsets)));
    else
      out.push_back(TRY(at_one_end(log, *stage, std::get<StartAt>(to))));
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
  for (std::size_t stage = 0; TRY(exchange_behind(log, id, stage)).has_value(); ++stage)
    TRY(forget(stage + 1));
  return remove_exchanges(log, id);
}

Result<> remove_exchanges(topics::Log& log, const QueryId& id) {
  for (std::size_t stage = 0;; ++stage) {
    const auto topic = TRY(exchange_behind(log, id, stage));
    if (!topic) return {};
    const Result<> removed = log.remove(*topic);
    if (!removed && removed.error().code() != ErrorCode::not_found)
      return fail(removed.error().in("removing a topic between two stages"));
  }
}

Result<> reset_stages(topics::Log& log, const QueryStages& stages,
                      const std::vector<StagePositions>& positions) {
  for (std::size_t i = 0; i < stages.size(); ++i) {
    for (const TaskReset& task : positions[i]) {
      auto writer = TRY(log.task_writer(stages[i]->writer_id(task.partition)));
      TRY(writer->reset(stages[i]->task_id(task.partition), task.positions));
    }
  }
  return {};
}

}  // namespace penstock::engine
