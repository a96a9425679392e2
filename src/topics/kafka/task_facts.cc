#include "topics/kafka/task_facts.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "topics/kafka/position_mark.h"

namespace penstock::topics::kafka {
namespace {

// What an owner can do about a task that does not open any more.
std::string way_out(const TaskId& task) {
  const std::string_view id = task.value();
  return fmt::format(
      "ALTER QUERY {} RESET POSITIONS lets it go on without its state; see docs/kafka.md, "
      "'A changelog that was changed'",
      id.substr(0, id.find_first_of("./")));
}

Error changed(const TaskId& task, const TopicPartition& where, std::string_view what,
              Figures& figures) {
  return figures.note(
      "changelog_truncated", where,
      fmt::format("the changelog '{}' partition {} is not what was committed last: {}. {}",
                  where.topic.text(), where.partition, what, way_out(task)));
}

}  // namespace

TopicPartition changelog_of(const TaskPlace& place) {
  return {*TopicName::parse(place.changelog), place.partition};
}

TaskUpdate::TaskUpdate(TaskFacts& facts)
    : facts_(facts), digest_(*facts.digest), checkpoint_(facts.checkpoint) {
  ++checkpoint_.commit;
  checkpoint_.previous = facts.hash;
}

const ByteBuffer& TaskUpdate::seal(const StateIdentity& identity) {
  sealed_ = seal_checkpoint(checkpoint_, digest_.bytes(), identity);
  return sealed_;
}

void TaskUpdate::apply(const StateKey& key) {
  facts_.hash = hash_of_checkpoint(sealed_, key);
  facts_.checkpoint = std::move(checkpoint_);
  facts_.digest->apply(std::move(digest_));
}

std::uint64_t commit_in_mirror(const TaskPlace& place, std::span<const GroupOffset> mirror) {
  std::uint64_t commit = 0;
  for (const GroupOffset& stored : mirror) {
    const std::optional<PositionMark> mark = parse_mark(stored.metadata);
    if (!mark)
      log::warning(
          "a position was set from outside; it is ignored: the task's checkpoint says "
          "where it goes on (ALTER QUERY ... RESET POSITIONS moves it)",
          {{"group", log::Public(place.group)},
           {"topic", log::Public(stored.from.topic.text())},
           {"partition", stored.from.partition},
           {"offset", stored.next}});
    else if (mark->task == place.partition)
      commit = std::max(commit, mark->commit);
  }
  return commit;
}

Result<TaskFacts> verified_facts(const TaskId& task, TaskPlace place,
                                 const ChangelogContent& content, std::uint64_t commits_min,
                                 const StateIdentity& identity, Figures& figures) {
  const TopicPartition where = changelog_of(place);
  TaskFacts facts{.place = std::move(place),
                  .checkpoint = {.task = task},
                  .digest = std::make_unique<StateDigest>(*identity.key, task)};
  for (const auto& [key, value] : content.entries()) facts.digest->add(key, value);
  if (!content.checkpoint()) {
    if (content.entries().empty() && commits_min == 0) return facts;
    return fail(changed(task, where,
                        fmt::format("position_lost: task '{}' has run before (commit {} at least, "
                                    "{} entries of state), but its checkpoint is gone",
                                    task.value(), commits_min, content.entries().size()),
                        figures));
  }
  const ByteBuffer& stored = *content.checkpoint();
  Result<Checkpoint> read = read_checkpoint(stored, task);
  if (!read) return fail(read.error());
  if (Result<> good = verify_checkpoint(stored, task, facts.digest->bytes(), identity); !good)
    return fail(changed(task, where, good.error().text(), figures));
  if (read->commit < commits_min)
    return fail(changed(task, where,
                        fmt::format("commit {} of task '{}' was put back, {} was there before",
                                    read->commit, task.value(), commits_min),
                        figures));
  facts.checkpoint = *std::move(read);
  facts.hash = hash_of_checkpoint(stored, *identity.key);
  return facts;
}

Result<> check_topics(const Checkpoint& checkpoint, Core& core) {
  for (const TaskPosition& position : checkpoint.positions) {
    const auto* place = std::get_if<LogPosition>(&position.position);
    if (place == nullptr || place->topic_id.empty()) continue;
    Result<TopicRef> topic = core.topics.look(position.from.topic);
    if (!topic && topic.error().code() == ErrorCode::not_found) continue;  // its reader says so
    if (!topic) return fail(topic.error());
    if ((*topic)->id == place->topic_id) continue;
    const Error noted = core.figures.note(
        "topic_recreated", position.from,
        fmt::format("topic_recreated: topic '{}' was deleted and made again: the position of task "
                    "'{}' belongs to "
                    "the former one. If that was meant: {}",
                    position.from.topic.text(), checkpoint.task.value(), way_out(checkpoint.task)));
    return fail(ErrorCode::failed_precondition, noted.text());
  }
  return {};
}

}  // namespace penstock::topics::kafka
