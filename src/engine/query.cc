#include "engine/query.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "engine/dead_letter.h"
#include "engine/joined_partitions.h"

namespace penstock::engine {
namespace {

Result<> make_exchange(topics::Log& log, const topics::TopicName& topic, std::size_t partitions) {
  Result<> made = log.create({.name = topic, .partitions = static_cast<std::int32_t>(partitions)});
  if (made || made.error().code() == ErrorCode::already_exists) return {};
  return fail(made.error().in("making the topic between two stages"));
}

// Partitions that the stages of a plan read, and of the topics between them.
struct StageSizes {
  std::vector<std::size_t> partitions;  // by stage
  std::map<topics::TopicName, std::size_t> exchanges;
};

// A stage between others has as many as the largest that writes to it; both sides of a join the
// same (check_joined_partitions).
Result<StageSizes> sizes_of(topics::Log& log, const std::vector<PlanParts>& parts) {
  StageSizes sizes;
  for (const PlanParts& stage : parts) {
    std::size_t largest = 0;
    const auto sources = sources_of(stage);
    for (const sql::SourceInfo* source : sources) {
      const auto topic = TRY(topics::TopicName::parse(source->topic));
      const std::size_t size =
          source->exchange ? sizes.exchanges.at(topic) : TRY(log.describe(topic)).partitions.size();
      largest = std::max(largest, size);
    }
    for (const sql::SourceInfo* source : sources)
      if (source->exchange) sizes.exchanges[TRY(topics::TopicName::parse(source->topic))] = largest;
    sizes.partitions.push_back(largest);
    if (stage.sink->stream.exchange)
      sizes.exchanges[TRY(topics::TopicName::parse(stage.sink->stream.topic))] = largest;
  }
  return sizes;
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
  TRY_IN(check_joined_partitions(*plan, partitions_in(log)), doing);
  const StageSizes sizes = TRY_IN(sizes_of(log, parts), doing);
  if (parts.back().sink == nullptr)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("query {} writes to no stream: it can only run for a client", id.value()));
  topics::TopicName letters = TRY(topics::TopicName::parse(engine::dead_letters_topic(id.value())));
  const std::size_t largest = std::ranges::max(sizes.partitions);
  TRY_IN(ensure_dead_letters_topic(log, letters, static_cast<std::int32_t>(largest)), doing);
  auto health = std::make_shared<QueryHealth>();
  QueryStages stages;
  for (std::size_t stage = 0; stage < parts.size(); ++stage) {
    topics::TopicName sink = TRY(topics::TopicName::parse(parts[stage].sink->stream.topic));
    if (parts[stage].sink->stream.exchange)
      TRY_IN(make_exchange(log, sink, sizes.exchanges.at(sink)), doing);
    else
      TRY_IN(log.describe(sink), doing);
    std::vector<topics::TopicName> sources;
    for (const sql::SourceInfo* source : sources_of(parts[stage]))
      sources.push_back(TRY(topics::TopicName::parse(source->topic)));
    const bool reads_exchange = parts[stage].source->stream.exchange;
    // One that another process has made may have other partitions.
    std::size_t partitions = sizes.partitions[stage];
    if (reads_exchange) partitions = TRY_IN(log.describe(sources.front()), doing).partitions.size();
    Spec spec{.id = id,
              .stage = stage,
              .health = health,
              .plan = plan,
              .parts = std::move(parts[stage]),
              .sources = std::move(sources),
              .dead_letters = letters,
              .start = reads_exchange ? StartAt::earliest : start,
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
  status_.push_back(std::make_unique<PartitionStatus>(sources_.size()));
  partitions_ = static_cast<std::int32_t>(status_.size());
}

void Query::add_partitions(const std::vector<topics::PartitionInfo>& all) {
  for (std::size_t p = status_.size(); p < std::min<std::size_t>(all.size(), status_.capacity());
       ++p) {
    auto status = std::make_unique<PartitionStatus>(sources_.size());
    status->inputs.front().position = all[p].first;  // lag counts them before they are read
    status->inputs.front().end = all[p].end;
    status_.push_back(std::move(status));
  }
  partitions_ = static_cast<std::int32_t>(status_.size());
}

bool Query::is_sealed() const {
  return std::ranges::any_of(sources_of(parts_), [](const sql::SourceInfo* source) {
    return source->seal.kind != sql::SealKind::none;
  });
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
    topics::Offset position = 0, end = 0;  // of a join's inputs together
    for (const InputStatus& input : status(p).inputs) {
      const topics::Offset at = input.position;
      position += at;
      end += std::max(at, input.end.load());
    }
    stats.progress.push_back({p, position, end, work, status(p).missing(), status(p).undecided()});
    stats.memory_peak_bytes += status(p).memory_peak_bytes;
  }
  return stats;
}

QueryStats stats_of(const QueryStages& stages) {
  QueryStats all = stages.front()->stats();
  for (std::size_t i = 1; i < stages.size(); ++i) {
    QueryStats stage = stages[i]->stats();
    if (stages[i]->reads_exchange()) stage.records_in = stage.bytes_in = 0;
    all.records_out = all.bytes_out = 0;  // what stages before the last one write
    all += stage;
    all.cpu_seconds += stage.cpu_seconds;
    all.memory_peak_bytes += stage.memory_peak_bytes;
  }
  return all;
}

}  // namespace penstock::engine
