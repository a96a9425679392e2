// Dead letters: records that a query could not open, decode or compute, kept as they came.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "data/time.h"
#include "topics/log.h"
#include "topics/record.h"

namespace penstock::engine {

// "<query id>.dead_letters". A dead letter has the key, value and timestamp of the record it keeps,
// byte for byte (sealed ones stay sealed: our headers are the context in which they open), our
// headers (topics/own_headers.h) and then those of the record: as many as fit, those that begin
// like ours renamed. A timestamp below what the topic takes is raised to that.
std::string dead_letters_topic(std::string_view query_id);

// Where a record came from. Views.
struct Origin {
  const topics::TopicPartition& partition;
  topics::Offset offset = 0;
  std::string_view epoch = {};  // empty: none is known
};

// The dead letters of one task until they are handed to a commit. One thread.
class DeadLetters {
 public:
  // rules: of the topic above.
  DeadLetters(std::string_view query_id, topics::TopicRules rules)
      : query_id_(query_id), rules_(rules) {}

  void add(const topics::RecordView& record, const Origin& origin, std::string_view reason);
  bool is_worth_handing_over() const;
  // Those that were not yet handed over.
  Result<> append_to(topics::Commit& commit, const topics::TopicPartition& to);

  std::size_t size() const { return handed_over_ + letters_.size(); }
  bool empty() const { return size() == 0; }
  std::size_t bytes() const { return handed_over_bytes_ + letters_.bytes(); }
  void clear();

 private:
  // Headers that letters of one place and reason share.
  void begin_with(const topics::TopicPartition& origin, std::string_view reason);
  // The first of a record's own headers that fit into so many bytes.
  void add_foreign(ByteView headers, std::size_t room, std::size_t own_max);

  const std::string query_id_;
  const topics::TopicRules rules_;
  topics::RecordBatch letters_;
  std::size_t handed_over_ = 0, handed_over_bytes_ = 0;

  std::optional<topics::TopicPartition> origin_;  // of the headers below
  std::string reason_;
  ByteBuffer shared_;  // packed
  ByteBuffer packed_;  // of the letter at hand
};

// Makes the topic (one partition per source partition) when it is missing. failed_precondition: it
// is there with fewer partitions.
Result<topics::TopicInfo> ensure_dead_letters_topic(topics::Log& log,
                                                    const topics::TopicName& topic,
                                                    std::int32_t partitions);

}  // namespace penstock::engine
