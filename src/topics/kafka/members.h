// This process as one of those that share a service's tasks: a member of a consumer group over a
// topic without records, whose partitions stand for tasks. Ownership of tasks is what the group
// gives out; that nobody else commits for them is up to their writers' ids.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string_view>
#include <thread>

#include "topics/kafka/core.h"
#include "topics/kafka/limits.h"

namespace penstock::topics::kafka {

// The slot of task `partition` of `partitions` of a query. The same in all versions that share.
std::int32_t slot_of(std::string_view query, std::int32_t partition, std::int32_t partitions);

class Members final : public Membership {
 public:
  // Makes the topic if it is missing. failed_precondition: it has another number of partitions.
  static Result<std::unique_ptr<Members>> join(Core& core, MembershipListener& listener);
  ~Members() override;

  bool owns(std::string_view query, std::int32_t partition, std::int32_t partitions) const override;

 private:
  Members(Core& core, MembershipListener& listener) : core_(core), listener_(listener) {}
  static void on_rebalance(rd_kafka_t* client, rd_kafka_resp_err_t what,
                           rd_kafka_topic_partition_list_t* partitions, void* self);
  void take(const rd_kafka_topic_partition_list_t& partitions);
  void give_back(bool lost);
  void run();
  void leave_group();

  Core& core_;
  MembershipListener& listener_;
  std::array<std::atomic<bool>, kSlots> slots_{};
  bool has_any_ = false;  // since the last give_back(); the thread's
  std::atomic<bool> ending_ = false;
  Client client_;
  std::thread thread_;
};

}  // namespace penstock::topics::kafka
