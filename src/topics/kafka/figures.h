// Counts what the log does and what it notices. Thread-safe.
#pragma once

#include <chrono>
#include <mutex>

#include "topics/log.h"

namespace penstock::topics::kafka {

class Figures {
 public:
  void count_commit(Outcome outcome, std::chrono::steady_clock::duration took);
  void count_rebalance();
  void count_restart();
  // Counts it, says it in the log and returns it as an error for who met it.
  Error note(std::string_view kind, const TopicPartition& where, std::string what);
  LogFigures now() const;

 private:
  mutable std::mutex mutex_;
  LogFigures figures_;
};

}  // namespace penstock::topics::kafka
