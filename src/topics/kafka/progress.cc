#include "topics/kafka/progress.h"

#include <algorithm>

#include <fmt/format.h>

#include "topics/kafka/changelog.h"
#include "topics/kafka/core.h"

namespace penstock::topics::kafka {
namespace {

constexpr std::string_view kChangelogEnd = ".changelog";

// Of escaped() in task_names.cc. Absent: not written as we write it; place_of() has the last word.
std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '-') {
      out.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    const auto byte = from_hex(text.substr(1, 2));
    if (!byte || byte->size() != 1) return std::nullopt;
    out.push_back(static_cast<char>(byte->front()));
    text.remove_prefix(3);
  }
  return out;
}

// As it was stored. Commits write it behind the state, so it is near the end.
Result<std::optional<ByteBuffer>> newest_stored(Log& log, const TopicPartition& at,
                                                const PartitionInfo& range) {
  constexpr Offset kTailRecords = 16, kFurtherTimes = 64;
  for (Offset back = kTailRecords;; back *= kFurtherTimes) {
    const Offset from = std::max(range.first, range.end - back);
    const std::unique_ptr<Reader> reader = TRY(log.reader(at, from));
    ChangelogContent content;
    TRY(read_changelog(log, *reader, range.end, at, content));
    if (content.checkpoint()) return content.checkpoint();
    if (from == range.first) return std::nullopt;
  }
}

ServiceProgress::Part part_of(std::uint64_t commit, const Digest& hash) {
  return {.number = commit, .hash = to_hex(hash)};
}

}  // namespace

std::optional<TaskId> task_of(const std::string& service_id, const std::string& changelog,
                              std::int32_t partition) {
  if (!changelog.starts_with(service_id) || !changelog.ends_with(kChangelogEnd))
    return std::nullopt;
  std::string_view name = changelog;
  name.remove_prefix(service_id.size());
  name.remove_suffix(kChangelogEnd.size());
  std::optional<std::string> plain;
  if (name.starts_with("..n")) {
    plain = unescaped(name.substr(3));
  } else if (name.starts_with('.')) {
    plain = std::string(name.substr(1));
  }
  if (!plain) return std::nullopt;
  TaskId task(fmt::format("{}/{}", *plain, partition));
  const auto place = place_of(service_id, task);
  if (!place || place->changelog != changelog || place->is_alone) return std::nullopt;
  return task;
}

Result<ServiceProgress> TaskProgress::read(Log& log, Core& core) {
  const auto copied = [&](bool all) -> std::optional<ServiceProgress> {
    const std::lock_guard lock(mutex_);
    if (!parts_) return std::nullopt;
    ServiceProgress out;
    for (const auto& [task, part] : *parts_)
      if (all || owned_.contains(task)) out.parts.emplace(task.value(), part);
    return out;
  };
  if (auto known = copied(!core.options.sharing)) return *std::move(known);
  const std::string& service = core.options.service_id;
  std::map<TaskId, ServiceProgress::Part> parts;
  for (const std::string& text : TRY(core.admin->topics())) {
    const auto name = TopicName::parse(text);
    if (!name || !is_internal(service, text) || !task_of(service, text, 0)) continue;
    const TopicInfo info = TRY(log.describe(*name));
    for (std::size_t i = 0; i < info.partitions.size(); ++i) {
      const TopicPartition at{*name, static_cast<std::int32_t>(i)};
      const auto stored = TRY(newest_stored(log, at, info.partitions[i]));
      const auto task = task_of(service, text, at.partition);
      if (!stored || !task) continue;
      const Checkpoint checkpoint = TRY(read_checkpoint(*stored, *task));
      parts.emplace(*task, part_of(checkpoint.commit,
                                   hash_of_checkpoint(*stored, *core.options.identity.key)));
    }
  }
  {
    const std::lock_guard lock(mutex_);
    if (!parts_) parts_ = std::move(parts);
  }
  return *copied(true);
}

void TaskProgress::note(const TaskId& task, std::uint64_t commit, const Digest& hash) {
  const std::lock_guard lock(mutex_);
  if (!parts_) return;
  parts_->insert_or_assign(task, part_of(commit, hash));
  owned_.insert(task);
}

void TaskProgress::forget(const TaskId& task) {
  const std::lock_guard lock(mutex_);
  if (parts_) parts_->erase(task);
  owned_.erase(task);
}

void TaskProgress::forget_owned() {
  const std::lock_guard lock(mutex_);
  owned_.clear();
}

Result<> TaskProgress::check(const TaskId& task, std::uint64_t commit) const {
  const std::lock_guard lock(mutex_);
  if (!parts_) return {};
  const auto known = parts_->find(task);
  if (known == parts_->end() || commit >= known->second.number) return {};
  return fail(ErrorCode::corrupt,
              fmt::format("task '{}' was at commit {} and is shown at commit {} now: the brokers "
                          "have put its changelog back",
                          task.value(), known->second.number, commit));
}

}  // namespace penstock::topics::kafka
