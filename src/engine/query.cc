#include "engine/query.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/dead_letter.h"

namespace penstock::engine {
namespace {

constexpr int kOnlyStage = 0;  // plans are not cut into several yet

}  // namespace

std::string_view name_of(QueryState state) {
  switch (state) {
    case QueryState::running:
      return "RUNNING";
    case QueryState::paused:
      return "PAUSED";
    case QueryState::failed:
      return "ERROR";
  }
  return "ERROR";
}

Work& Work::operator+=(const Work& more) {
  records_in += more.records_in;
  records_out += more.records_out;
  dead_letters += more.dead_letters;
  bytes_in += more.bytes_in;
  bytes_out += more.bytes_out;
  commits += more.commits;
  restarts += more.restarts;
  commit_seconds += more.commit_seconds;
  return *this;
}

Result<std::shared_ptr<Query>> Query::create(topics::Log& log, QueryId id,
                                             std::shared_ptr<const sql::PlanNode> plan,
                                             StartAt start) {
  PlanParts parts = TRY(take_apart(*plan));
  if (parts.sink == nullptr)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("query {} writes to no stream: it can only run for a client", id.value()));
  topics::TopicName source = TRY(topics::TopicName::parse(parts.source->stream.topic));
  topics::TopicInfo info =
      TRY_IN(log.describe(source), fmt::format("starting query {}", id.value()));
  topics::TopicName sink = TRY(topics::TopicName::parse(parts.sink->stream.topic));
  TRY_IN(log.describe(sink), fmt::format("starting query {}", id.value()));
  topics::TopicName letters = TRY(topics::TopicName::parse(engine::dead_letters_topic(id.value())));
  Spec spec{.id = std::move(id),
            .plan = std::move(plan),
            .parts = std::move(parts),
            .source = std::move(source),
            .dead_letters = std::move(letters),
            .start = start,
            .partitions = info.partitions.size()};
  std::shared_ptr<Query> query = std::unique_ptr<Query>(new Query(std::move(spec)));
  TRY(topics::check_id(query->writer_id(query->partitions() - 1)));
  TRY(log.expect_tasks(query->task_name(), query->partitions()));
  topics::TopicInfo dead_letters =
      TRY_IN(ensure_dead_letters_topic(log, query->dead_letters_topic(), query->partitions()),
             fmt::format("starting query {}", query->id().value()));
  query->dead_letters_rules_ = dead_letters.rules;
  return query;
}

void Query::add_status() {
  status_.push_back(std::make_unique<PartitionStatus>());
  partitions_ = static_cast<std::int32_t>(status_.size());
}

void Query::add_partitions(const std::vector<topics::PartitionInfo>& all) {
  for (std::size_t p = status_.size(); p < std::min<std::size_t>(all.size(), status_.capacity());
       ++p) {
    auto status = std::make_unique<PartitionStatus>();
    status->position = all[p].first;  // lag counts them before they are read
    status->end = all[p].end;
    status_.push_back(std::move(status));
  }
  partitions_ = static_cast<std::int32_t>(status_.size());
}

bool Query::is_sealed() const {
  return parts_.source->stream.seal.kind != sql::SealKind::none;
}

std::string Query::task_name() const {
  return fmt::format("{}.{}", id_.value(), kOnlyStage);
}

topics::TaskId Query::task_id(const QueryId& id, std::int32_t partition) {
  return topics::TaskId(fmt::format("{}.{}/{}", id.value(), kOnlyStage, partition));
}

topics::WriterId Query::writer_id(const QueryId& id, std::int32_t partition) {
  return topics::WriterId(fmt::format("{}.{}.{}", id.value(), kOnlyStage, partition));
}

void Query::set_state(QueryState state) {
  std::lock_guard lock(mutex_);
  error_.reset();
  state_ = state;
}

void Query::set_failed(const Error& error) {
  std::lock_guard lock(mutex_);
  if (!error_) error_ = error;
  state_ = QueryState::failed;
}

std::optional<Error> Query::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

QueryStats Query::stats() const {
  constexpr double kNsPerS = 1e9;
  QueryStats stats;
  stats.id = id_;
  stats.state = state();
  stats.error = error();
  stats.partitions = partitions();
  stats.cpu_seconds = static_cast<double>(cpu_ns.load()) / kNsPerS;
  for (std::int32_t p = 0; p < partitions(); ++p) {
    Work work = status(p).work();
    stats += work;
    if (!status(p).owned) continue;
    topics::Offset position = status(p).position;
    topics::Offset end = std::max(position, status(p).end.load());
    stats.progress.push_back({p, position, end, work, status(p).missing()});
    stats.memory_peak_bytes += status(p).memory_peak_bytes;
  }
  return stats;
}

}  // namespace penstock::engine
