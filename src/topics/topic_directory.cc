#include "topics/topic_directory.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/crash_point.h"
#include "base/log.h"
#include "topics/commit_limits.h"
#include "topics/limits.h"
#include "topics/round_guard.h"

namespace penstock::topics {
namespace {

Error folder_error(std::string_view doing, const std::filesystem::path& path,
                   const std::error_code& error) {
  return os_error(doing, path, error.value());
}

}  // namespace

Result<> TopicDirectory::look() {
  for (const StoredTopic& stored : TRY(store_.topics())) {
    TRY(check_spec(stored.spec));
    Topic topic = make_topic(stored);
    for (const auto& partition : topic.partitions) {
      std::int32_t number = partition->name().partition;
      TRY(partition->recover(TRY(store_.tail(stored.id, number)),
                             TRY(store_.segments(stored.id, number)),
                             TRY(store_.head(stored.id, number))));
    }
    topics_.emplace(stored.spec.name, std::move(topic));
  }
  return check_nothing_lost(TRY(store_.garbage()));
}

Result<> TopicDirectory::clean() {
  for (const TopicName& name : TRY(store_.garbage())) TRY(remove_garbage(name));
  for (const auto& [name, topic] : topics_)
    for (const auto& partition : topic.partitions) TRY(partition->cut_behind());
  return {};
}

// Bytes behind a committed end are cut, and folders of garbage removed, only when they can be what
// the commit round under way has left.
Result<> TopicDirectory::check_nothing_lost(const std::vector<TopicName>& garbage) const {
  const std::uint64_t recovered = store_.next_round() - 1;
  for (const auto& [name, topic] : topics_)
    for (const auto& partition : topic.partitions)
      TRY(check_rounds(batches_behind(partition->folder(),
                                      {partition->name(), topic.stored.id, partition->committed()}),
                       recovered));
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    auto name = TopicName::parse(entry.path().filename().string());
    if (name && topics_.contains(*name)) continue;
    TRY(check_rounds(batches_in_folder(entry.path()), recovered));
    if (!name || std::ranges::find(garbage, *name) == garbage.end())
      log::warning("a folder that belongs to no topic is left alone",
                   {{"path", log::Public(entry.path().native())}});
  }
  return {};
}

TopicDirectory::Topic TopicDirectory::make_topic(const StoredTopic& stored) const {
  Topic topic{stored, {}};
  for (std::int32_t i = 0; i < stored.spec.partitions; ++i) {
    topic.partitions.push_back(
        std::make_shared<Partition>(settings_, PartitionId{{stored.spec.name, i}, stored.id},
                                    folder_ / stored.spec.name.text() / std::to_string(i)));
    topic.partitions.back()->set_retention(stored.spec.retention);
  }
  return topic;
}

Result<> TopicDirectory::create(const TopicSpec& spec) {
  TRY(check_spec(spec));
  auto held = committer_.alone();
  {
    std::shared_lock lock(mutex_);
    if (topics_.contains(spec.name)) return fail(topic_exists(spec.name));
    if (topics_.size() >= kTopicsMax) return fail(too_many_topics());
  }
  TRY(make_way_for(spec.name));
  const auto id = TRY(store_.next_topic_id());
  StoredTopic stored{spec, id};
  StateBatch intent;
  intent.put_garbage(spec.name);
  TRY(store_.write_or_fail(intent));
  CRASH_POINT("embedded.create.after_intent");
  if (auto made = make_folders(spec); !made) {
    (void)remove_garbage(spec.name);
    return made;
  }
  CRASH_POINT("embedded.create.after_folders");
  StateBatch batch;
  batch.put_new_topic(stored);
  batch.erase_garbage(spec.name);
  if (auto written = store_.write_or_fail(batch); !written) {
    if (!store_.is_poisoned()) (void)remove_garbage(spec.name);
    return written;
  }
  CRASH_POINT("embedded.create.after_state");
  std::unique_lock lock(mutex_);
  topics_.emplace(spec.name, make_topic(stored));
  return {};
}

// A folder that an earlier attempt has left, to create or remove such a topic, is removed.
Result<> TopicDirectory::make_way_for(const TopicName& name) const {
  auto path = folder_ / name.text();
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  const std::vector<TopicName> garbage = TRY(store_.garbage());
  if (std::ranges::find(garbage, name) != garbage.end()) return remove_garbage(name);
  return fail(ErrorCode::failed_precondition,
              fmt::format("'{}' is in the way of topic '{}' but belongs to none: move it away",
                          path.string(), name.text()));
}

Result<> TopicDirectory::make_folders(const TopicSpec& spec) const {
  auto path = folder_ / spec.name.text();
  std::error_code error;
  for (std::int32_t i = 0; i < spec.partitions; ++i) {
    std::filesystem::create_directories(path / std::to_string(i), error);
    if (error) return fail(folder_error("creating", path / std::to_string(i), error));
  }
  if (!settings_.sync) return {};
  TRY(sync_folder(folder_));
  return sync_folder(path);
}

Result<> TopicDirectory::remove(const TopicName& name) {
  auto held = committer_.alone();
  StoredTopic stored = TRY(stored_of(name));
  StateBatch batch;
  batch.erase_topic(stored);
  batch.put_garbage(name);
  TRY(committer_.write_removal(stored.id, batch));
  CRASH_POINT("embedded.remove.after_state");
  committer_.close_files_of(stored.id);
  {
    std::unique_lock lock(mutex_);
    auto found = topics_.find(name);
    for (const auto& partition : found->second.partitions) partition->mark_removed();
    topics_.erase(found);
  }
  return remove_garbage(name);
}

// Deletes the folder of a topic that is not there (any more), then the note that says so. Its bytes
// are not kept as spare segments: who removes a topic wants them gone.
Result<> TopicDirectory::remove_garbage(const TopicName& name) const {
  auto path = folder_ / name.text();
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return fail(folder_error("removing", path, error));
  CRASH_POINT("embedded.remove.after_files");
  StateBatch batch;
  batch.erase_garbage(name);
  TRY(store_.write_or_fail(batch));
  CRASH_POINT("embedded.remove.after_forget");
  CRASH_POINT("embedded.recover.after_garbage");
  return {};
}

Result<> TopicDirectory::set_retention(const TopicName& name, const Retention& retention) {
  TRY(check_retention(retention));
  auto held = committer_.alone();
  StoredTopic stored = TRY(stored_of(name));
  stored.spec.retention = retention;
  StateBatch batch;
  batch.put_topic(stored);
  TRY(store_.write_or_fail(batch));
  std::unique_lock lock(mutex_);
  Topic& topic = topics_.find(name)->second;
  topic.stored = stored;
  for (const auto& partition : topic.partitions) partition->set_retention(retention);
  return {};
}

Result<> TopicDirectory::trim(const TopicPartition& at, Offset before) {
  auto held = committer_.alone();
  const std::shared_ptr<Partition> partition = TRY(find(at));
  const Offset base = partition->base_at(before);
  if (base <= partition->first()) return {};
  StateBatch batch;
  batch.put_head(partition->topic_id(), at.partition, base);
  TRY(store_.write_or_fail(batch));
  CRASH_POINT("embedded.trim.after_state");
  for (const std::filesystem::path& file : partition->forget_before(base))
    retire_segment(settings_, file);
  CRASH_POINT("embedded.trim.after_files");
  return {};
}

std::vector<TopicDirectory::Kept> TopicDirectory::with_retention() const {
  std::shared_lock lock(mutex_);
  std::vector<Kept> found;
  for (const auto& [name, topic] : topics_)
    if (topic.stored.spec.retention.is_set())
      found.push_back({topic.stored.spec.retention, topic.partitions});
  return found;
}

std::vector<std::shared_ptr<Partition>> TopicDirectory::compacted() const {
  std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<Partition>> found;
  for (const auto& [name, topic] : topics_)
    if (topic.stored.spec.compacted)
      found.insert(found.end(), topic.partitions.begin(), topic.partitions.end());
  return found;
}

// One of the two files is there whatever happens, and both hold what the database promises.
Result<bool> TopicDirectory::replace(const Partition& of, Offset segment_base,
                                     const std::filesystem::path& by) {
  auto held = committer_.alone();
  const auto partition = find(of.name());
  const bool kept = partition && partition->get() == &of && segment_base >= of.first();
  std::error_code error;
  if (!kept) {
    std::filesystem::remove(by, error);
    return false;
  }
  (*partition)->note_replacement(segment_base);
  const std::filesystem::path path = of.folder() / segment_file_name(segment_base);
  std::filesystem::rename(by, path, error);
  (*partition)->note_replacement(segment_base);
  if (error) return fail(folder_error("replacing", path, error));
  CRASH_POINT("embedded.compact.after_rename");
  if (settings_.sync) TRY(sync_folder(of.folder()));
  return true;
}

Result<TopicInfo> TopicDirectory::describe(const TopicName& name) const {
  std::shared_lock lock(mutex_);
  const Topic& topic = *TRY(find_locked(name));
  TopicInfo info{topic.stored.spec, {}};
  for (const auto& partition : topic.partitions)
    info.partitions.push_back({partition->first(), partition->end(), partition->bytes()});
  return info;
}

std::optional<Offset> TopicDirectory::end_of(std::uint32_t topic_id, std::int32_t partition) const {
  std::shared_lock lock(mutex_);
  for (const auto& [name, topic] : topics_)
    if (topic.stored.id == topic_id && partition >= 0 && partition < topic.stored.spec.partitions)
      return topic.partitions[static_cast<std::size_t>(partition)]->end();
  return std::nullopt;
}

std::vector<TopicName> TopicDirectory::list() const {
  std::shared_lock lock(mutex_);
  std::vector<TopicName> names;
  for (const auto& [name, topic] : topics_) names.push_back(name);
  return names;
}

Result<std::shared_ptr<Partition>> TopicDirectory::find(const TopicPartition& at) const {
  std::shared_lock lock(mutex_);
  const Topic& topic = *TRY(find_locked(at.topic));
  TRY(check_partition(topic.stored.spec, at.partition));
  return topic.partitions[static_cast<std::size_t>(at.partition)];
}

Result<StoredTopic> TopicDirectory::stored_of(const TopicName& name) const {
  std::shared_lock lock(mutex_);
  return TRY(find_locked(name))->stored;
}

Result<const TopicDirectory::Topic*> TopicDirectory::find_locked(const TopicName& name) const {
  auto found = topics_.find(name);
  if (found == topics_.end()) return fail(no_such_topic(name));
  return &found->second;
}

}  // namespace penstock::topics
