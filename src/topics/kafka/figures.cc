#include "topics/kafka/figures.h"

#include <algorithm>

#include "base/log.h"

namespace penstock::topics::kafka {

void Figures::count_commit(Outcome outcome, std::chrono::steady_clock::duration took) {
  double seconds = std::chrono::duration<double>(took).count();
  std::lock_guard lock(mutex_);
  figures_.commit_seconds += seconds;
  figures_.commit_seconds_max = std::max(figures_.commit_seconds_max, seconds);
  switch (outcome) {
    case Outcome::committed:
      ++figures_.committed;
      break;
    case Outcome::aborted:
      ++figures_.aborted;
      break;
    case Outcome::fenced:
      ++figures_.fenced;
      break;
    case Outcome::unknown:
      ++figures_.unknown;
      break;
  }
}

void Figures::count_rebalance() {
  std::lock_guard lock(mutex_);
  ++figures_.rebalances;
}

void Figures::count_restart() {
  std::lock_guard lock(mutex_);
  ++figures_.client_restarts;
}

Error Figures::note(std::string_view kind, const TopicPartition& where, std::string what) {
  log::error("the broker misbehaves", {{"kind", log::Public(kind)},
                                       {"topic", log::Public(where.topic.text())},
                                       {"partition", where.partition},
                                       {"what", log::Public(what)}});
  Error error(ErrorCode::corrupt, what);
  std::lock_guard lock(mutex_);
  auto same = [&](const Misbehaviour& m) {
    return m.kind == kind && m.topic == where.topic.text() && m.partition == where.partition;
  };
  auto found = std::ranges::find_if(figures_.misbehaviour, same);
  if (found == figures_.misbehaviour.end()) {
    constexpr std::size_t kKindsMax = 1000;  // a hostile broker has no end of topics
    if (figures_.misbehaviour.size() >= kKindsMax) return error;
    figures_.misbehaviour.push_back(
        {std::string(kind), where.topic.text(), where.partition, 0, {}});
    found = std::prev(figures_.misbehaviour.end());
  }
  ++found->count;
  found->last = std::move(what);
  return error;
}

LogFigures Figures::now() const {
  std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace penstock::topics::kafka
