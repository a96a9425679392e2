#include "engine/runtime.h"

#include <algorithm>
#include <future>
#include <map>
#include <mutex>
#include <span>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "base/worker_pool.h"
#include "engine/limits.h"
#include "engine/partition_watch.h"
#include "engine/push_session.h"
#include "engine/query.h"
#include "engine/query_reset.h"
#include "engine/sharing.h"
#include "engine/worker.h"

namespace penstock::engine {
namespace {

// Ends of topics, as they were when somebody looked.
using SeenEnds = std::map<topics::TopicName, std::vector<topics::PartitionInfo>>;

// input: of the query's sources.
bool has_reached(const Query& query, std::size_t input,
                 const std::vector<topics::PartitionInfo>& seen) {
  if (seen.size() > static_cast<std::size_t>(query.partitions())) return false;  // it grows soon
  for (std::size_t p = 0; p < seen.size(); ++p) {
    const PartitionStatus& status = query.status(static_cast<std::int32_t>(p));
    if (status.owned && (status.inputs[input].position < seen[p].end || status.speaking))
      return false;
  }
  return true;
}

// Rows of one key lie in partitions of one number on both sides, and would not any more.
Result<> refuse_growth(const Query& query) {
  return fail(
      ErrorCode::failed_precondition,
      fmt::format("a topic of a join ('{}' or '{}') has got partitions: rows of one key may "
                  "lie in different ones now. End the query, copy both topics into new ones "
                  "with as many partitions, and join these",
                  query.sources()[0].text(), query.sources()[1].text()));
}

class LocalRuntime final : public Runtime {
 public:
  LocalRuntime(topics::Log& log, const seal::KeySource* keys, RuntimeOptions options)
      : log_(log),
        keys_(keys),
        options_(options),
        context_{log, keys, options_, progress_, sharing_.shared()} {
    for (int i = 0; i < options_.threads; ++i)
      workers_.push_back(std::make_unique<Worker>(context_, builders_));
  }
  ~LocalRuntime() override { shutdown(); }
  Result<> join() { return sharing_.join(log_); }

  Result<> start_query(const QueryId& id, std::shared_ptr<const sql::PlanNode> plan, StartAt start,
                       bool paused) override;
  Result<> stop_query(const QueryId& id, bool forget) override;
  Result<> reset_query(const QueryId& id, const ResetTo& to) override;
  Result<> pause_query(const QueryId& id) override;
  Result<> resume_query(const QueryId& id) override;
  Result<> drain() override;
  std::vector<QueryStats> stats() const override;
  Result<std::unique_ptr<PushQuery>> push(std::shared_ptr<const sql::PlanNode> plan, StartAt start,
                                          bool until_end) override {
    return PushSession::create(log_, keys_, options_, std::move(plan), start, until_end);
  }
  bool share(SharedTasks* others) override {
    if (sharing_.shared()) sharing_.set_others(others);
    return sharing_.shared();
  }
  void shutdown() override;

 private:
  using Queries = std::map<QueryId, QueryStages>;

  Result<QueryStages> find(const QueryId& id) const;
  QueryStages stages() const;  // of all queries
  Worker& least_loaded();
  Result<> start_tasks(const QueryStages& query);
  Result<> start_stage(const std::shared_ptr<Query>& query);
  Result<> build_tasks(const std::shared_ptr<Query>& query, std::span<std::unique_ptr<Task>> tasks);
  Result<std::unique_ptr<Task>> build_task(const std::shared_ptr<Query>& query,
                                           std::int32_t partition) const;
  Result<> forget_state(const Query& query, const std::vector<std::int32_t>& partitions);
  Result<bool> all_caught_up(SeenEnds& ends);
  void grow_queries();  // on watch_'s thread
  Result<> grow_query(const std::shared_ptr<Query>& query);

  topics::Log& log_;
  const seal::KeySource* keys_;
  const RuntimeOptions options_;
  ProgressSignal progress_;
  WorkerPool builders_{kBuildsAtOnce};
  Sharing::Workers workers_;
  Sharing sharing_{workers_, progress_};
  const TaskContext context_;
  std::mutex changes_;        // one start, stop, pause, resume or shutdown at a time
  mutable std::mutex mutex_;  // guards queries_ and ended_
  Queries queries_;
  bool ended_ = false;
  UndecidedLook undecided_{log_};
  PartitionWatch watch_{[this] {
    grow_queries();
    undecided_.look(stages());
  }};
};

Result<> LocalRuntime::start_query(const QueryId& id, std::shared_ptr<const sql::PlanNode> plan,
                                   StartAt start, bool paused) {
  std::lock_guard changes(changes_);
  {
    std::lock_guard lock(mutex_);
    if (ended_) return fail(ErrorCode::unavailable, "the runtime is shutting down");
    if (queries_.contains(id))
      return fail(ErrorCode::already_exists,
                  fmt::format("query {} is running already", id.value()));
    if (queries_.size() >= kQueriesMax)
      return fail(ErrorCode::limit_exceeded, fmt::format("more than {} queries", kQueriesMax));
  }
  TRY(sharing_.check());
  QueryStages query = TRY(Query::create(log_, id, std::move(plan), start));
  if (paused) query.front()->set_state(QueryState::paused);
  TRY_IN(start_tasks(query), fmt::format("query {}", id.value()));
  {
    std::lock_guard lock(mutex_);
    queries_.emplace(id, query);
  }
  if (sharing_.shared()) sharing_.add(query);
  if (log_.partitions_seen(query.front()->source_topic())) watch_.start();  // topics may grow
  return {};
}

// Sealed sources have a pinned number: their tasks stop when they see another.
void LocalRuntime::grow_queries() {
  for (const std::shared_ptr<Query>& query : stages()) {
    // Topics between stages keep the number that they were made with.
    if (query->state() == QueryState::failed || query->reads_exchange()) continue;
    const auto has_grown = [&](const topics::TopicName& topic) {
      const auto seen = log_.partitions_seen(topic);
      return seen && *seen > query->partitions();
    };
    if (query->is_sealed() || std::ranges::none_of(query->sources(), has_grown)) continue;
    Result<> grown = query->parts().join ? refuse_growth(*query) : grow_query(query);
    if (grown || facts_of(grown.error().code()).retry) continue;
    query->set_failed(grown.error().in(fmt::format(
        "query {}: following its topic, which has got partitions", query->id().value())));
    progress_.notify();
  }
}

Result<> LocalRuntime::grow_query(const std::shared_ptr<Query>& query) {
  const std::vector<topics::PartitionInfo> all =
      TRY(make_room_for_growth(log_, *query));  // asks brokers: without the lock
  std::lock_guard changes(changes_);
  {
    std::lock_guard lock(mutex_);
    const auto found = queries_.find(query->id());
    if (ended_ || found == queries_.end() || found->second[query->stage()] != query) return {};
  }
  const std::int32_t before = query->partitions();
  query->add_partitions(all);
  log::info("more partitions to read", {{"query", log::Public(query->id().value())},
                                        {"topic", log::Public(query->source_topic().text())},
                                        {"before", before},
                                        {"now", query->partitions()}});
  for (std::int32_t p = before; p < query->partitions(); ++p) least_loaded().add(query, p, nullptr);
  if (sharing_.shared()) sharing_.grow(query);
  return {};
}

Result<> LocalRuntime::start_tasks(const QueryStages& query) {
  Result<> started;
  for (const std::shared_ptr<Query>& stage : query) {
    started = start_stage(stage);
    if (!started) break;
  }
  if (started) return {};
  for (const auto& worker : workers_)  // what has been built of it
    (void)worker->remove(query.front()->id());
  return started;
}

Result<> LocalRuntime::start_stage(const std::shared_ptr<Query>& query) {
  std::vector<std::unique_ptr<Task>> tasks(static_cast<std::size_t>(query->partitions()));
  if (sharing_.shared()) {  // workers build those that are ours
    TRY(Task::check(context_, *query));
  } else if (Result<> built = build_tasks(query, tasks); !built) {
    if (query->state() != QueryState::failed) return built;
    log::error("query cannot be taken up",
               {{"query", log::Public(query->id().value())}, {"error", built.error()}});
    for (std::unique_ptr<Task>& task : tasks) task.reset();
  }
  for (std::int32_t p = 0; p < query->partitions(); ++p)
    least_loaded().add(query, p, std::move(tasks[static_cast<std::size_t>(p)]));
  return {};
}

// Several at a time: over servers each takes a few round trips.
Result<> LocalRuntime::build_tasks(const std::shared_ptr<Query>& query,
                                   std::span<std::unique_ptr<Task>> tasks) {
  using Built = Result<std::unique_ptr<Task>>;
  std::size_t count = 0;
  for (std::size_t first = 0; first < tasks.size(); first += count) {
    // "latest" holds for a query that is new: the first task tells.
    const bool is_asked = first == 0 && query->start() == StartAt::latest;
    count = is_asked ? 1 : std::min(kBuildsAtOnce, tasks.size() - first);
    std::vector<std::future<Built>> under_way;
    for (std::size_t p = first; p < first + count; ++p)
      under_way.push_back(std::async(std::launch::async, [this, &query, p] {
        return build_task(query, static_cast<std::int32_t>(p));
      }));
    Result<> all;
    for (std::size_t i = 0; i < under_way.size(); ++i) {
      Built built = under_way[i].get();
      if (built) tasks[first + i] = std::move(*built);
      if (!built && all) all = fail(built.error());
    }
    TRY(all);
  }
  return {};
}

// What a server answers once says little; what it says again and again, or only after a long
// silence, is told to whoever started the query.
Result<std::unique_ptr<Task>> LocalRuntime::build_task(const std::shared_ptr<Query>& query,
                                                       std::int32_t partition) const {
  std::chrono::milliseconds pause = kRetryFirst;
  for (int tries = 1;; ++tries) {
    const auto begun = std::chrono::steady_clock::now();
    auto built = Task::build(context_, query, partition);
    if (built || built.error().code() != ErrorCode::unavailable || tries == kBuildTriesMax ||
        std::chrono::steady_clock::now() - begun > kBuildSoon)
      return built;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kRetryMax);
  }
}

Result<> LocalRuntime::stop_query(const QueryId& id, bool forget) {
  std::lock_guard changes(changes_);
  const QueryStages query = TRY(find(id));
  Result<> result;
  auto held = sharing_.hold();  // what is ours now is forgotten before others can have it
  std::vector<std::vector<std::int32_t>> ours(query.size());
  for (std::size_t i = 0; i < query.size(); ++i)
    for (std::int32_t p = 0; p < query[i]->partitions(); ++p)
      if (query[i]->status(p).owned) ours[i].push_back(p);
  for (const auto& worker : workers_) {
    Result<> removed = worker->remove(id);
    if (!removed && result) result = removed;
  }
  sharing_.remove(id, held);
  {
    std::lock_guard lock(mutex_);
    queries_.erase(id);
  }
  progress_.notify();
  if (!forget) return result;
  for (std::size_t i = 0; i < query.size(); ++i)  // whatever was not committed
    TRY(forget_state(*query[i], ours[i]));
  return query.size() > 1 ? remove_exchanges(log_, id) : Result<>();
}

Result<> LocalRuntime::reset_query(const QueryId& id, const ResetTo& to) {
  std::lock_guard changes(changes_);
  const QueryStages stages = TRY(find(id));
  if (sharing_.shared())
    return fail(ErrorCode::failed_precondition,
                fmt::format("query {}: several processes share its tasks. End them all but one, "
                            "start that one without --share, reset, and start them again",
                            id.value()));
  const std::vector<StagePositions> positions = TRY(positions_after_reset(log_, stages, to));
  const bool paused = stages.front()->state() == QueryState::paused;
  for (const auto& worker : workers_)  // what is lost of the last commit is lost anyway
    (void)worker->remove(id);
  Result<> done = reset_stages(log_, stages, positions);
  stages.front()->set_state(paused ? QueryState::paused : QueryState::running);
  if (done) done = start_tasks(stages);
  if (done) return done;
  stages.front()->set_failed(done.error());
  for (const std::shared_ptr<Query>& stage : stages)
    for (std::int32_t p = 0; p < stage->partitions(); ++p) least_loaded().add(stage, p, nullptr);
  return fail(done.error().in(fmt::format("resetting query {}", id.value())));
}

Result<> LocalRuntime::forget_state(const Query& query,
                                    const std::vector<std::int32_t>& partitions) {
  for (std::int32_t p : partitions) {
    std::unique_ptr<topics::Writer> writer = TRY(log_.task_writer(query.writer_id(p)));
    TRY_IN(writer->forget(query.task_id(p)),
           fmt::format("forgetting the positions of query {}", query.id().value()));
  }
  return {};
}

Result<> LocalRuntime::pause_query(const QueryId& id) {
  std::lock_guard changes(changes_);
  const std::shared_ptr<Query> query = TRY(find(id)).front();
  if (query->state() != QueryState::running)
    return fail(ErrorCode::failed_precondition,
                fmt::format("query {} is {}, not RUNNING", id.value(), name_of(query->state())));
  query->set_state(QueryState::paused);
  for (const auto& worker : workers_) TRY(worker->commit(id));
  return {};
}

Result<> LocalRuntime::resume_query(const QueryId& id) {
  std::lock_guard changes(changes_);
  const std::shared_ptr<Query> query = TRY(find(id)).front();
  TRY(sharing_.check());
  if (query->state() == QueryState::running) return {};
  for (const auto& worker : workers_) worker->resume(id);  // before any task can fail again
  query->set_state(QueryState::running);
  for (const auto& worker : workers_) worker->resume(id);
  return {};
}

Result<> LocalRuntime::drain() {
  SeenEnds ends;
  for (;;) {
    std::uint64_t before = progress_.count();
    bool caught_up = TRY(all_caught_up(ends));
    // A commit in between may have written what a query looked at earlier has yet to read.
    if (caught_up && progress_.count() == before) break;
    if (!caught_up) progress_.wait_a_little();
  }
  for (const std::shared_ptr<Query>& query : stages())
    if (!query->reads_exchange()) TRY(note_undecided(log_, *query));
  return {};
}

Result<bool> LocalRuntime::all_caught_up(SeenEnds& ends) {
  TRY(sharing_.check());
  bool caught_up = !sharing_.shared() || sharing_.is_assigned();
  for (const std::shared_ptr<Query>& query : stages()) {
    if (std::optional<Error> error = query->error())
      return fail(error->in(fmt::format("query {}", query->id().value())));
    if (query->state() != QueryState::running) continue;
    // The log (brokers, on Kafka) is asked again only once all that was seen there is consumed.
    for (std::size_t input = 0; input < query->sources().size(); ++input) {
      const topics::TopicName& topic = query->sources()[input];
      std::vector<topics::PartitionInfo>& seen = ends[topic];
      if (has_reached(*query, input, seen)) seen = TRY(log_.describe(topic)).partitions;
      caught_up = caught_up && has_reached(*query, input, seen);
    }
  }
  std::lock_guard lock(mutex_);
  if (ended_ && !caught_up)
    return fail(ErrorCode::cancelled, "the runtime was shut down before all was consumed");
  return caught_up;
}

std::vector<QueryStats> LocalRuntime::stats() const {
  std::vector<QueryStats> out;
  std::lock_guard lock(mutex_);
  for (const auto& [id, query] : queries_) out.push_back(stats_of(query));
  return out;
}

void LocalRuntime::shutdown() {
  watch_.stop();
  std::lock_guard changes(changes_);
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  sharing_.leave();
  progress_.notify();
}

Result<QueryStages> LocalRuntime::find(const QueryId& id) const {
  std::lock_guard lock(mutex_);
  if (ended_) return fail(ErrorCode::unavailable, "the runtime is shutting down");
  auto found = queries_.find(id);
  if (found == queries_.end())
    return fail(ErrorCode::not_found, fmt::format("there is no query {}", id.value()));
  return found->second;
}

QueryStages LocalRuntime::stages() const {
  std::lock_guard lock(mutex_);
  QueryStages out;
  for (const auto& [id, query] : queries_) out.insert(out.end(), query.begin(), query.end());
  return out;
}

Worker& LocalRuntime::least_loaded() {
  return **std::ranges::min_element(workers_, {}, [](const auto& w) { return w->tasks(); });
}

}  // namespace

Result<std::unique_ptr<Runtime>> start_runtime(topics::Log& log, const seal::KeySource* keys,
                                               RuntimeOptions options) {
  if (options.threads < 1 || options.threads > kThreadsMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} threads: expected 1 to {}", options.threads, kThreadsMax));
  auto runtime = std::make_unique<LocalRuntime>(log, keys, options);
  TRY_IN(runtime->join(), "sharing tasks with other processes");
  return runtime;
}

}  // namespace penstock::engine
