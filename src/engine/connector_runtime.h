// Runs connectors over a log: a thread per task, which is built again after every failure, with
// pauses that grow. Nothing that happens to a connector concerns queries.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/connector_work.h"

namespace penstock::engine {

enum class ConnectorState : std::uint8_t {
  running,
  connecting,  // its task is open, and the other side is not there
  failed,      // a task waits to be built again
  paused,
  unassigned,  // another process has the task, or it is not known yet who
};
std::string_view name_of(ConnectorState state);  // "RUNNING", "CONNECTING", "FAILED", ...

struct ConnectorTaskStats {
  std::int32_t number = 0;
  ConnectorState state = ConnectorState::connecting;
  std::string reason;  // why it does not run, or what was noticed last
  ConnectorStatus status;
  Work work;
};
// The work is that of all tasks; the state the worst of theirs, of those that are this process's.
struct ConnectorStats : Work {
  std::string name;
  ConnectorState state = ConnectorState::connecting;
  std::string reason;
  std::vector<ConnectorTaskStats> tasks;
};

// Thread-safe. What is given outlives it. Where processes share tasks (Runtime::share), each runs
// those that it is given: a task has one owner, and moves with its position when that one is gone.
class ConnectorRuntime final : public SharedTasks {
 public:
  // shared: no task is ours until assign() says so.
  explicit ConnectorRuntime(const ConnectorPlace& place, bool shared = false);
  ~ConnectorRuntime() override;  // as shutdown()

  // Begins; topics must exist. What hinders its tasks does not fail the call. already_exists.
  Result<> start(ConnectorSpec spec, bool paused);
  // Ends its tasks; what is not committed comes again. forget: positions and state too, and what
  // the other side keeps for it (of the tasks that are this process's). not_found.
  Result<> stop(const std::string& name, bool forget);
  // pause: returns when its tasks have committed and closed their connections.
  Result<> pause(const std::string& name);
  Result<> resume(const std::string& name);
  std::vector<ConnectorStats> stats() const;  // sorted by name
  void shutdown();

  void release(bool lost) override;
  void assign(const topics::Membership& membership) override;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::engine
