#include "engine/connector_runtime.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "engine/limits.h"
#include "engine/query_reset.h"

namespace penstock::engine {

std::string_view name_of(ConnectorState state) {
  switch (state) {
    case ConnectorState::running:
      return "RUNNING";
    case ConnectorState::connecting:
      return "CONNECTING";
    case ConnectorState::failed:
      return "FAILED";
    case ConnectorState::paused:
      return "PAUSED";
    case ConnectorState::unassigned:
      return "UNASSIGNED";
  }
  return "FAILED";
}

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// A task and its thread.
class ConnectorThread {
 public:
  ConnectorThread(const ConnectorPlace& place, const ConnectorSpec& spec, std::int32_t number,
                  bool paused, bool owned)
      : place_(place),
        spec_(spec),
        number_(number),
        paused_(paused),
        owned_(owned),
        thread_([this] { run(); }) {}
  ~ConnectorThread() {
    tell([this] { ending_ = true; });
    thread_.join();
  }

  void pause() {
    tell([this] { paused_ = true; });
    wait_until_closed();
  }
  void resume() {
    tell([this] { paused_ = false; });
  }
  // Whether it is this process's task.
  void own(bool owned) {
    tell([&] { owned_ = owned; });
  }
  bool is_owned() const {
    const std::lock_guard lock(mutex_);
    return owned_;
  }
  void wait_until_closed() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return work_ == nullptr && !opening_; });
  }
  ConnectorTaskStats stats() const {
    const std::lock_guard lock(mutex_);
    ConnectorTaskStats out{.number = number_, .reason = {}, .status = {}, .work = total_};
    if (work_ != nullptr) out.status = work_->status();
    out.reason = out.status.reason;
    if (paused_) {
      out.state = ConnectorState::paused;
    } else if (!owned_) {
      out.state = ConnectorState::unassigned;
      out.reason = "another process has this task, or it is not known yet who";
    } else if (work_ != nullptr && (out.status.connected || !error_)) {
      out.state = out.status.connected ? ConnectorState::running : ConnectorState::connecting;
    } else if (error_) {  // until it has its connection again
      out.state = ConnectorState::failed;
      out.reason = error_->text();
    }
    return out;
  }

 private:
  template <typename Change>
  void tell(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    if (work_ != nullptr && !wanted()) work_->wake();
    changed_.notify_all();
  }
  bool wanted() const {  // with the lock
    return !ending_ && !paused_ && owned_;
  }

  bool is_wanted() const {
    const std::lock_guard lock(mutex_);
    return wanted();
  }

  void run();
  Result<> run_once();
  void publish(std::unique_ptr<ConnectorWork> work);
  void note_failure(const Error& error);

  const ConnectorPlace& place_;
  const ConnectorSpec& spec_;
  const std::int32_t number_;
  milliseconds pause_ = kConnectorRetryFirst;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<ConnectorWork> work_;  // changed by the thread, under the lock
  bool opening_ = false;
  Work total_;
  std::optional<Error> error_;
  bool ending_ = false, paused_, owned_;
  std::thread thread_;
};

void ConnectorThread::publish(std::unique_ptr<ConnectorWork> work) {
  std::unique_ptr<ConnectorWork> old;  // ends without the lock
  {
    const std::lock_guard lock(mutex_);
    old = std::exchange(work_, nullptr);
    opening_ = true;
  }
  old.reset();
  const std::lock_guard lock(mutex_);
  work_ = std::move(work);
  opening_ = false;
  changed_.notify_all();
}

// Until it fails or is not wanted any more.
Result<> ConnectorThread::run_once() {
  auto open = spec_.direction == ConnectorDirection::source
                  ? open_source_work(place_, spec_, number_)
                  : open_sink_work(place_, spec_, number_);
  publish(TRY(std::move(open)));
  const auto opened_at = Clock::now();
  for (;;) {
    if (!is_wanted()) return work_->end();
    Work done;
    const Result<> stepped = work_->step(Clock::now() + kConnectorPoll, done);
    {
      const std::lock_guard lock(mutex_);
      total_ += done;
      if (error_ && stepped && work_->status().connected) error_.reset();
    }
    if (Clock::now() - opened_at >= kConnectorRanWell) pause_ = kConnectorRetryFirst;
    if (stepped) continue;
    const std::lock_guard lock(mutex_);
    return wanted() ? stepped : Result<>();  // else it was told to end
  }
}

void ConnectorThread::note_failure(const Error& error) {
  const bool lasting = !facts_of(error.code()).retry;
  const auto say = lasting ? log::Level::error : log::Level::warning;
  log::write(say, "a connector's task has failed and is built again after a pause",
             {{"connector", log::Public(spec_.name)},
              {"task", number_},
              {"reason", error},
              {"again_in_ms", pause_.count()}});
  const std::lock_guard lock(mutex_);
  error_ = error;
  ++total_.restarts;
}

void ConnectorThread::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || wanted(); });
      if (ending_) return;
      opening_ = true;
    }
    const Result<> ended = run_once();
    if (!ended) note_failure(ended.error());
    publish(nullptr);
    if (ended) continue;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, pause_, [this] { return !wanted(); });
    pause_ = std::min<milliseconds>(pause_ * 2, kConnectorRetryMax);
  }
}

struct RunningConnector {
  ConnectorSpec spec;
  std::vector<std::unique_ptr<ConnectorThread>> threads;
};

Error no_connector(std::string_view name) {
  return Error(ErrorCode::not_found, fmt::format("there is no connector '{}'", name));
}

}  // namespace

struct ConnectorRuntime::Parts {
  Parts(const ConnectorPlace& where, bool is_shared) : place(where), shared(is_shared) {}
  bool owns(const ConnectorSpec& spec, std::int32_t number) const {
    if (!shared) return true;
    return members != nullptr && members->owns(spec.id().value(), number, spec.tasks);
  }
  Result<RunningConnector*> find(const std::string& name) {
    const auto at = running.find(name);
    if (at == running.end()) return fail(no_connector(name));
    return at->second.get();
  }
  Result<> forget(const ConnectorSpec& spec, const std::vector<std::int32_t>& numbers) const;

  const ConnectorPlace place;
  const bool shared;
  mutable std::mutex mutex;
  const topics::Membership* members = nullptr;  // null: no task is ours, where they are shared
  std::map<std::string, std::unique_ptr<RunningConnector>> running;
};

ConnectorRuntime::ConnectorRuntime(const ConnectorPlace& place, bool shared)
    : parts_(std::make_unique<Parts>(place, shared)) {}

ConnectorRuntime::~ConnectorRuntime() {
  shutdown();
}

Result<> ConnectorRuntime::start(ConnectorSpec spec, bool paused) {
  const std::lock_guard lock(parts_->mutex);
  if (parts_->running.contains(spec.name))
    return fail(ErrorCode::already_exists, fmt::format("connector '{}' runs already", spec.name));
  TRY(parts_->place.log.expect_tasks(fmt::format("{}.0", spec.id().value()), spec.tasks));
  auto made = std::make_unique<RunningConnector>();
  made->spec = std::move(spec);
  for (std::int32_t number = 0; number < made->spec.tasks; ++number)
    made->threads.push_back(std::make_unique<ConnectorThread>(
        parts_->place, made->spec, number, paused, parts_->owns(made->spec, number)));
  const std::string name = made->spec.name;
  parts_->running.emplace(name, std::move(made));
  return {};
}

// Positions and state; and what a broker keeps for a connector that is gone, which would grow
// there.
Result<> ConnectorRuntime::Parts::forget(const ConnectorSpec& spec,
                                         const std::vector<std::int32_t>& numbers) const {
  const auto options = read_options(*spec.kind, spec.direction, spec.texts, place.rules, true);
  for (const std::int32_t number : numbers) {
    if (spec.kind->forget != nullptr && options)
      spec.kind->forget({.connector = spec.name,
                         .number = number,
                         .tasks = spec.tasks,
                         .options = *options,
                         .rules = place.rules});
  }
  if (!shared) return forget_tasks(place.log, spec.id(), spec.tasks);
  for (const std::int32_t number : numbers) {
    auto writer = TRY(place.log.task_writer(Query::writer_id(spec.id(), 0, number)));
    TRY_IN(writer->forget(Query::task_id(spec.id(), 0, number)),
           fmt::format("forgetting the position of connector {}", spec.name));
  }
  return {};
}

Result<> ConnectorRuntime::stop(const std::string& name, bool forget) {
  const std::lock_guard lock(parts_->mutex);
  RunningConnector* connector = TRY(parts_->find(name));
  std::vector<std::int32_t> ours;
  for (std::size_t number = 0; number < connector->threads.size(); ++number)
    if (connector->threads[number]->is_owned()) ours.push_back(static_cast<std::int32_t>(number));
  connector->threads.clear();
  const ConnectorSpec spec = std::move(connector->spec);
  parts_->running.erase(name);
  return forget ? parts_->forget(spec, ours) : Result<>();
}

Result<> ConnectorRuntime::pause(const std::string& name) {
  const std::lock_guard lock(parts_->mutex);
  for (const auto& thread : TRY(parts_->find(name))->threads) thread->pause();
  return {};
}

Result<> ConnectorRuntime::resume(const std::string& name) {
  const std::lock_guard lock(parts_->mutex);
  for (const auto& thread : TRY(parts_->find(name))->threads) thread->resume();
  return {};
}

std::vector<ConnectorStats> ConnectorRuntime::stats() const {
  const std::lock_guard lock(parts_->mutex);
  std::vector<ConnectorStats> out;
  for (const auto& [name, connector] : parts_->running) {
    ConnectorStats stats;
    stats.name = name;
    stats.state = ConnectorState::running;
    bool ours = false;
    for (const auto& thread : connector->threads) {
      stats.tasks.push_back(thread->stats());
      const ConnectorTaskStats& task = stats.tasks.back();
      stats += task.work;
      if (task.state == ConnectorState::unassigned) continue;
      ours = true;
      if (task.state == ConnectorState::running || stats.state == ConnectorState::failed) continue;
      stats.state = task.state;
      stats.reason = task.reason;
    }
    if (!ours && !stats.tasks.empty()) {
      stats.state = stats.tasks.front().state;
      stats.reason = stats.tasks.front().reason;
    }
    out.push_back(std::move(stats));
  }
  return out;
}

void ConnectorRuntime::shutdown() {
  const std::lock_guard lock(parts_->mutex);
  parts_->running.clear();
}

// Tasks that were lost are fenced: what they try to commit is another's already.
void ConnectorRuntime::release(bool) {
  const std::lock_guard lock(parts_->mutex);
  parts_->members = nullptr;
  for (const auto& [name, connector] : parts_->running)
    for (const auto& thread : connector->threads) thread->own(false);
  for (const auto& [name, connector] : parts_->running)
    for (const auto& thread : connector->threads) thread->wait_until_closed();
}

void ConnectorRuntime::assign(const topics::Membership& membership) {
  const std::lock_guard lock(parts_->mutex);
  parts_->members = &membership;
  for (const auto& [name, connector] : parts_->running)
    for (std::size_t number = 0; number < connector->threads.size(); ++number)
      connector->threads[number]->own(
          parts_->owns(connector->spec, static_cast<std::int32_t>(number)));
}

}  // namespace penstock::engine
