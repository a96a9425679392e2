// One task as its writer knows it, and whether what Kafka holds of it is what was committed.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "topics/kafka/admin.h"
#include "topics/kafka/changelog.h"
#include "topics/kafka/figures.h"
#include "topics/kafka/task_names.h"
#include "topics/kafka/topic_table.h"
#include "topics/open_task.h"

namespace penstock::topics::kafka {

struct TaskFacts {
  TaskPlace place;
  std::unique_ptr<OpenTask> open;
};

TopicPartition changelog_of(const TaskPlace& place);

// Ids of topics, for checkpoints. A topic that could not be asked for is not an absent one.
class TopicIds {
 public:
  enum class Ask : std::uint8_t { now, once };
  TopicIds(TopicTable& topics, Ask ask) : topics_(topics), ask_(ask) {}
  TopicIds(const TopicIds&) = delete;
  TopicIds& operator=(const TopicIds&) = delete;
  TopicIdOf of();           // lives no longer than this
  Result<> answer() const;  // the first question that failed

 private:
  TopicTable& topics_;
  const Ask ask_;
  std::optional<Error> failed_;
};

// The highest commit that marks beside the group's offsets tell of this task; 0: none, or it was
// forgotten. Says in the log which positions were set from outside, and that they are ignored.
std::uint64_t commit_in_mirror(const TaskPlace& place, std::span<const GroupOffset> mirror);

// Verifies what was read. Through figures: changelog_truncated (state and checkpoint are not what
// this service committed last, or gone: position_lost), topic_recreated (a position is in a topic
// that was deleted and made again).
Result<std::unique_ptr<OpenTask>> verified_task(const TaskId& task, const TaskPlace& place,
                                                const ChangelogContent& content,
                                                std::uint64_t commits_min,
                                                const StateIdentity& identity,
                                                const TopicIdOf& id_of, Figures& figures);

}  // namespace penstock::topics::kafka
