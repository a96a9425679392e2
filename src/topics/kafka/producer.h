// A transactional producer: the library's calls, their errors sorted into what they mean here.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <span>

#include "topics/kafka/client.h"
#include "topics/kafka/patience.h"
#include "topics/log.h"

namespace penstock::topics::kafka {

// One thread at a time, but for hurry(), is_dead() and is_fenced(). After fenced and unknown
// outcomes, and errors that say so, only is_dead() and destruction make sense. Nothing waits for
// brokers longer than the transaction's time, nor beyond hurry()'s: then the producer is dead, and
// its transaction is abandoned to the next initialisation of the id.
class Producer {
 public:
  // Fences the predecessor and ends its transaction. last outlives the producer.
  static Result<std::unique_ptr<Producer>> start(const KafkaOptions& options, const WriterId& id,
                                                 const LastCall& last);

  // Before begin(), by who will call hurry() from elsewhere: the patience is whole again.
  void wait_from_now() { patience_.start_again(transaction_timeout_); }
  Result<> begin();
  // Copied. limit_exceeded and the like leave the transaction as it was.
  // The topic's handle, which lives as long as this; the first time its leaders are asked for,
  // which the library would otherwise do at its leisure (a second).
  Result<rd_kafka_topic_t*> handle_of(const std::string& topic);
  Result<> produce(rd_kafka_topic_t& topic, std::int32_t partition, const RecordView& record);
  struct Position {
    TopicPartition from;
    Offset next;
    std::string metadata;
  };
  Result<> send_offsets(const std::string& group, std::span<const Position> positions);
  // An offset of a group that this process is a member of. fenced: the group has gone on without
  // the member; then the transaction must be aborted.
  Result<> prove_member(const rd_kafka_consumer_group_metadata_t& member, const Position& position);
  CommitResult commit();
  bool abort();  // false: the producer is dead, nobody has said what became of the transaction
  // From any thread: whatever the transaction still waits for, it waits no longer than this.
  void hurry(Deadline at) { patience_.shorten(at); }

  bool is_dead() const { return dead_; }
  bool is_fenced() const { return fenced_; }

 private:
  Producer(WriterId id, std::chrono::milliseconds transaction_timeout, const LastCall& last)
      : id_(std::move(id)),
        transaction_timeout_(transaction_timeout),
        patience_(last, transaction_timeout) {}
  // Marks the producer dead if the failure is one that it does not survive.
  Error take(const rd_kafka_error_t& failure, std::string_view doing);
  Result<> send_offsets(const rd_kafka_consumer_group_metadata_t& group,
                        std::span<const Position> positions, std::string_view doing);
  Result<> deliver_all();
  Result<> ask_leaders(rd_kafka_topic_t& topic);
  Error out_of_patience(std::string_view doing) const;
  // The brokers say that the id has another epoch now.
  Error lose_epoch();

  const WriterId id_;
  const std::chrono::milliseconds transaction_timeout_;
  std::chrono::steady_clock::time_point begun_;  // the newest transaction
  Patience patience_;                            // of that transaction
  Trouble trouble_;
  std::atomic<bool> dead_ = false, fenced_ = false;  // for who looks on
  Client client_;
  std::map<std::string, TopicHandle, std::less<>> topics_;
};

}  // namespace penstock::topics::kafka
