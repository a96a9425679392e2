#include "topics/kafka/members.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "topics/kafka/task_names.h"
#include "topics/partitioner.h"

namespace penstock::topics::kafka {
namespace {

constexpr int kPoll_ms = 50;

Result<> ensure_members_topic(Core& core, const std::string& name) {
  Result<TopicShape> shape = core.admin->shape(name);
  if (!shape && shape.error().code() == ErrorCode::not_found) {
    Result<> made = core.admin->create(name, kSlots, core.options.replication, {});
    if (!made && made.error().code() != ErrorCode::already_exists) return made;
    shape = core.admin->shape(name);
  }
  if (!shape) return fail(shape.error());
  if (shape->partitions == kSlots) return {};
  return fail(ErrorCode::failed_precondition,
              fmt::format("topic '{}', by which processes share tasks, has {} partitions, expected "
                          "{}: delete it while none of them runs, it is made again",
                          name, shape->partitions, kSlots));
}

}  // namespace

std::int32_t slot_of(std::string_view query, std::int32_t partition, std::int32_t partitions) {
  const std::int64_t first = partition_of(as_bytes(query), kSlots);
  const std::int64_t step = std::int64_t{partition} * kSlots / std::max(partitions, 1);
  return static_cast<std::int32_t>((first + step) % kSlots);
}

Result<std::unique_ptr<Members>> Members::join(Core& core, MembershipListener& listener) {
  const std::string topic = members_topic(core.options.service_id);
  TRY(ensure_members_topic(core, topic));
  std::unique_ptr<Members> members(new Members(core, listener));
  members->client_ = TRY(make_member_client(core.options, members_group(core.options.service_id),
                                            on_rebalance, members.get()));
  PartitionList topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  rd_kafka_resp_err_t code = rd_kafka_subscribe(members->client_.get(), topics.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(error_of(code, "joining the processes that share tasks"));
  members->thread_ = std::thread([m = members.get()] { m->run(); });
  return members;
}

Members::~Members() {
  ending_ = true;
  if (thread_.joinable()) thread_.join();
}

bool Members::owns(std::string_view query, std::int32_t partition, std::int32_t partitions) const {
  std::int32_t slot = slot_of(query, partition, partitions);
  return slot >= 0 && slot < kSlots && slots_[static_cast<std::size_t>(slot)];
}

void Members::on_rebalance(rd_kafka_t* client, rd_kafka_resp_err_t what,
                           rd_kafka_topic_partition_list_t* partitions, void* self) {
  auto& members = *static_cast<Members*>(self);
  if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    // Nothing is read, and the offsets that prove generations need not be asked for.
    for (int i = 0; i < partitions->cnt; ++i) partitions->elems[i].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_assign(client, partitions);
    members.take(*partitions);
    return;
  }
  members.give_back(rd_kafka_assignment_lost(client) != 0);
  rd_kafka_assign(client, nullptr);
}

void Members::take(const rd_kafka_topic_partition_list_t& partitions) {
  for (int i = 0; i < partitions.cnt; ++i) {
    std::int32_t slot = partitions.elems[i].partition;
    if (slot >= 0 && slot < kSlots) slots_[static_cast<std::size_t>(slot)] = true;
  }
  has_any_ = true;
  core_.progress.forget_owned();
  core_.opened.forget_all();  // what others have opened since may be taken over now
  core_.generation.set(GroupMetadata(rd_kafka_consumer_group_metadata(client_.get())));
  core_.figures.count_rebalance();
  log::info("tasks assigned", {{"slots", partitions.cnt}, {"of", kSlots}});
  listener_.on_assigned(*this);
}

void Members::give_back(bool lost) {
  for (auto& slot : slots_) slot = false;
  if (!std::exchange(has_any_, false)) return;
  log::info("tasks revoked", {{"lost", lost}});
  listener_.on_revoked(lost);
}

void Members::run() {
  while (!ending_) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client_.get(), kPoll_ms);
    if (message == nullptr) continue;
    rd_kafka_resp_err_t code = message->err;
    std::string text = code == RD_KAFKA_RESP_ERR_NO_ERROR ? "" : rd_kafka_message_errstr(message);
    rd_kafka_message_destroy(message);
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client_.get(), nullptr, 0);
    if (fatal == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    give_back(true);
    Error reason = fatal == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
                       ? Error(ErrorCode::fenced,
                               fmt::format("another process of the service has the instance name "
                                           "'{}' now: each process needs its own",
                                           core_.options.sharing->instance))
                       : error_of(fatal, "sharing tasks", text);
    listener_.on_expelled(reason);
    break;
  }
  // Commits and hands over, and leaves the group (with an instance name: by silence).
  give_back(false);
  leave_group();
}

// Brokers that do not hear of it notice the silence.
void Members::leave_group() {
  Queue events(rd_kafka_queue_new(client_.get()));
  Failure failure(rd_kafka_consumer_close_queue(client_.get(), events.get()));
  if (failure != nullptr) return;
  const Patience patience(*core_.last, kLeavePatience);
  while (rd_kafka_consumer_closed(client_.get()) == 0 && !patience.is_over()) {
    Event event(rd_kafka_queue_poll(events.get(), patience.slice_ms()));
    if (event != nullptr && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE)
      rd_kafka_assign(client_.get(), nullptr);
  }
}

}  // namespace penstock::topics::kafka
