#include "engine/query.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/dead_letter.h"

namespace penstock::engine {
namespace {

// As many partitions as the stage before reads.
Result<> make_exchange(topics::Log& log, const topics::TopicName& topic, std::size_t partitions) {
  Result<> made = log.create({.name = topic, .partitions = static_cast<std::int32_t>(partitions)});
  if (made || made.error().code() == ErrorCode::already_exists) return {};
  return fail(made.error().in("making the topic between two stages"));
}

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

Result<QueryStages> Query::create(topics::Log& log, QueryId id,
                                  std::shared_ptr<const sql::PlanNode> plan, StartAt start) {
  std::vector<PlanParts> parts = TRY(take_apart(id, *plan));
  const auto doing = fmt::format("starting query {}", id.value());
  if (parts.back().sink == nullptr)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("query {} writes to no stream: it can only run for a client", id.value()));
  topics::TopicName letters = TRY(topics::TopicName::parse(engine::dead_letters_topic(id.value())));
  auto health = std::make_shared<QueryHealth>();
  QueryStages stages;
  std::size_t partitions = 0;  // of the stage before
  for (std::size_t stage = 0; stage < parts.size(); ++stage) {
    topics::TopicName source = TRY(topics::TopicName::parse(parts[stage].source->stream.topic));
    if (stage > 0) TRY_IN(make_exchange(log, source, partitions), doing);
    topics::TopicInfo info = TRY_IN(log.describe(source), doing);
    partitions = info.partitions.size();
    if (!parts[stage].sink->stream.exchange) {
      topics::TopicName sink = TRY(topics::TopicName::parse(parts[stage].sink->stream.topic));
      TRY_IN(log.describe(sink), doing);
    }
    Spec spec{.id = id,
              .stage = stage,
              .health = health,
              .plan = plan,
              .parts = std::move(parts[stage]),
              .source = std::move(source),
              .dead_letters = letters,
              .start = stage == 0 ? start : StartAt::earliest,
              .partitions = partitions};
    stages.push_back(TRY_IN(create_stage(log, std::move(spec)), doing));
  }
  return stages;
}

Result<std::shared_ptr<Query>> Query::create_stage(topics::Log& log, Spec spec) {
  std::shared_ptr<Query> query = std::unique_ptr<Query>(new Query(std::move(spec)));
  TRY(topics::check_id(query->writer_id(query->partitions() - 1)));
  TRY(log.expect_tasks(query->task_name(), query->partitions()));
  topics::TopicInfo dead_letters =
      TRY(ensure_dead_letters_topic(log, query->dead_letters_topic(), query->partitions()));
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
  return fmt::format("{}.{}", id_.value(), stage_);
}

topics::TaskId Query::task_id(const QueryId& id, std::size_t stage, std::int32_t partition) {
  return topics::TaskId(fmt::format("{}.{}/{}", id.value(), stage, partition));
}

topics::WriterId Query::writer_id(const QueryId& id, std::size_t stage, std::int32_t partition) {
  return topics::WriterId(fmt::format("{}.{}.{}", id.value(), stage, partition));
}

void QueryHealth::set_state(QueryState state) {
  std::lock_guard lock(mutex_);
  error_.reset();
  state_ = state;
}

void QueryHealth::set_failed(const Error& error) {
  std::lock_guard lock(mutex_);
  if (!error_) error_ = error;
  state_ = QueryState::failed;
}

std::optional<Error> QueryHealth::error() const {
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
    stats.progress.push_back({p, position, end, work, status(p).missing(), status(p).undecided()});
    stats.memory_peak_bytes += status(p).memory_peak_bytes;
  }
  return stats;
}

QueryStats stats_of(const QueryStages& stages) {
  QueryStats all = stages.front()->stats();
  for (std::size_t i = 1; i < stages.size(); ++i) {
    QueryStats stage = stages[i]->stats();
    stage.records_in = stage.bytes_in = 0;  // what the stage before it wrote
    all.records_out = all.bytes_out = 0;
    all += stage;
    all.cpu_seconds += stage.cpu_seconds;
    all.memory_peak_bytes += stage.memory_peak_bytes;
  }
  return all;
}

}  // namespace penstock::engine
