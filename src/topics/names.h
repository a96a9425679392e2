// Names in the log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/strong.h"

namespace penstock::topics {

// 1-249 characters of [a-zA-Z0-9._-], not "." or ".." (Apache Kafka's rule for topic names).
class TopicName {
 public:
  static Result<TopicName> parse(std::string_view text);
  const std::string& text() const { return text_; }
  friend auto operator<=>(const TopicName&, const TopicName&) = default;

 private:
  explicit TopicName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

struct TopicPartition {
  TopicName topic;
  std::int32_t partition;  // from 0
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

// Position of a record in its partition, from 0, rising; gaps are possible (Kafka).
using Offset = std::int64_t;

// Who writes: fixed for a bundle of tasks, the same after every restart, so that opening a writer
// fences the predecessor. Kafka: the transactional id. 1-200 characters, [a-zA-Z0-9._-].
struct WriterIdTag;
using WriterId = Strong<WriterIdTag, std::string>;

// One (query step, partition), such as "CSAS_MASKED_1/0". Owner of positions and state. Task
// "name/N" reads partitions N only: tasks of one name never have positions in the same partition.
struct TaskIdTag;
using TaskId = Strong<TaskIdTag, std::string>;

// invalid_argument unless the id is as said above; a task id is 1-400 bytes without control
// characters.
Result<> check_id(const WriterId& id);
Result<> check_id(const TaskId& id);
// 1-200 bytes without control characters.
Result<> check_service(std::string_view service);

}  // namespace penstock::topics

template <>
struct std::hash<penstock::topics::TopicName> {
  std::size_t operator()(const penstock::topics::TopicName& n) const {
    return std::hash<std::string>{}(n.text());
  }
};
