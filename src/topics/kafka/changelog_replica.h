// Standby for tasks of other processes: follows all changelogs of the service, so that a task which
// moves here finds its state in memory and reads only the rest.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "topics/kafka/changelog.h"
#include "topics/kafka/core.h"

namespace penstock::topics::kafka {

class ChangelogReplica {
 public:
  // Log and core outlive it.
  ChangelogReplica(Log& log, Core& core);
  ~ChangelogReplica();

  // Copies what is known of a changelog into `content` and says from which offset to read on; 0 and
  // nothing when it is not followed (yet).
  Offset lend(const TopicPartition& changelog, ChangelogContent& content);

 private:
  struct Followed {
    std::string topic_id;
    std::unique_ptr<Reader> reader;
    ChangelogContent content;
    Offset next = 0;
  };
  void run();
  void look_for_changelogs();
  bool follow_all();  // true: something was read

  Log& log_;
  Core& core_;
  std::mutex mutex_;  // guards followed_
  std::map<TopicPartition, Followed> followed_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace penstock::topics::kafka
