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

TopicIdOf TopicIds::of() {
  return [this](const TopicPartition& from) -> std::optional<std::string> {
    Result<TopicRef> topic = ask_ == Ask::now ? topics_.look(from.topic) : topics_.find(from.topic);
    if (topic) return (*topic)->id;
    // An absent one's reader says so.
    if (topic.error().code() != ErrorCode::not_found && !failed_) failed_ = topic.error();
    return std::nullopt;
  };
}

Result<> TopicIds::answer() const {
  if (failed_) return fail(*failed_);
  return {};
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

Result<std::unique_ptr<OpenTask>> verified_task(const TaskId& task, const TaskPlace& place,
                                                const ChangelogContent& content,
                                                std::uint64_t commits_min,
                                                const StateIdentity& identity,
                                                const TopicIdOf& id_of, Figures& figures) {
  const TopicPartition where = changelog_of(place);
  if (!content.checkpoint() && commits_min > 0)
    return fail(changed(
        task, where,
        position_lost(task, fmt::format("commit {} at least was there", commits_min)).text(),
        figures));
  TaskOpening opening(identity, task);
  for (const auto& [key, value] : content.entries()) opening.add(key, value);
  Result<std::unique_ptr<OpenTask>> open = opening.finish(content.checkpoint(), id_of);
  if (!open && open.error().code() == ErrorCode::corrupt)
    return fail(changed(task, where, open.error().text(), figures));
  if (!open && open.error().code() == ErrorCode::failed_precondition) {
    const Error noted = figures.note("topic_recreated", where, open.error().text());
    return fail(ErrorCode::failed_precondition, noted.text());
  }
  if (!open) return open;
  if ((*open)->checkpoint.commit < commits_min)
    return fail(changed(task, where,
                        fmt::format("commit {} of task '{}' was put back, {} was there before",
                                    (*open)->checkpoint.commit, task.value(), commits_min),
                        figures));
  return open;
}

}  // namespace penstock::topics::kafka
