// What proves to the brokers that this process has its share of the tasks still: the members'
// group as of the newest assignment. A transaction that commits an offset with it is refused when
// the group has gone on without this process.
#pragma once

#include <memory>
#include <mutex>

#include "topics/kafka/handles.h"

namespace penstock::topics::kafka {

// Thread-safe.
class Generation {
 public:
  using Ref = std::shared_ptr<const rd_kafka_consumer_group_metadata_t>;
  void set(GroupMetadata metadata) {
    std::lock_guard lock(mutex_);
    now_ = std::move(metadata);
    refused_ = false;
  }
  Ref now() const {  // null: no tasks were assigned yet, or they are not shared
    std::lock_guard lock(mutex_);
    return now_;
  }
  // Brokers have refused it: until the next one this process has no task.
  void note_refused(const Ref& generation) {
    std::lock_guard lock(mutex_);
    if (generation == now_) refused_ = true;
  }
  bool is_refused() const {
    std::lock_guard lock(mutex_);
    return refused_;
  }

 private:
  mutable std::mutex mutex_;
  Ref now_;
  bool refused_ = false;
};

}  // namespace penstock::topics::kafka
