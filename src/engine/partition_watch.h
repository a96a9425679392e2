// Topics that get more partitions while queries read them (Kafka): noticing it, and what has to be
// there before new tasks can begin.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/query.h"

namespace penstock::engine {

// A thread that looks now and then.
class PartitionWatch {
 public:
  explicit PartitionWatch(std::function<void()> look) : look_(std::move(look)) {}
  ~PartitionWatch() { stop(); }
  PartitionWatch(const PartitionWatch&) = delete;
  PartitionWatch& operator=(const PartitionWatch&) = delete;
  void start();  // the first call starts it
  void stop();   // waits for the look under way; for good

 private:
  void run();

  const std::function<void()> look_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopped_ = false;
  std::thread thread_;
};

// The partitions that the query's source has now, once there is room for as many dead letters and
// task states. Asks brokers.
Result<std::vector<topics::PartitionInfo>> make_room_for_growth(topics::Log& log,
                                                                const Query& query);

// Of queries whose input has records that do not come: asks the log whether open transactions hold
// them back, now and then, and notes it in their status. One thread uses it.
class UndecidedLook {
 public:
  explicit UndecidedLook(topics::Log& log) : log_(log) {}
  void look(const std::vector<std::shared_ptr<Query>>& queries);

 private:
  struct Seen {
    std::vector<topics::Offset> positions;
    std::chrono::steady_clock::time_point ask_at{};
  };
  topics::Log& log_;
  std::map<const Query*, Seen> seen_;
};

// The same, at once and whatever the positions: where all that can be read has been read.
Result<> note_undecided(topics::Log& log, Query& query);

}  // namespace penstock::engine
