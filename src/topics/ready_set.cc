#include "topics/ready_set.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace penstock::topics {

void Watchers::add(Watcher& watcher) {
  std::lock_guard lock(mutex_);
  all_.push_back(&watcher);
  ++count_;
}

void Watchers::remove(Watcher& watcher) {
  std::lock_guard lock(mutex_);
  count_ -= static_cast<int>(std::erase(all_, &watcher));
}

// Whoever is added afterwards looks at the change itself (both counts are sequentially consistent).
void Watchers::notify() {
  if (count_.load() == 0) return;
  std::lock_guard lock(mutex_);
  for (Watcher* watcher : all_) watcher->on_change();
}

ReadySet::~ReadySet() {
  for (const auto& [reader, entry] : entries_) entry->watchers->remove(*entry);
}

void ReadySet::add(Reader& reader, void* tag) {
  auto& watched = static_cast<WatchedReader&>(reader);
  auto [at, fresh] = entries_.try_emplace(&reader, std::make_unique<Entry>(*this, watched, tag));
  CHECK(fresh);
  at->second->watchers->add(*at->second);
  queue(*at->second);
}

void ReadySet::remove(Reader& reader) {
  const auto found = entries_.find(&reader);
  CHECK(found != entries_.end());
  Entry& entry = *found->second;
  entry.watchers->remove(entry);
  {
    std::lock_guard lock(mutex_);
    if (entry.queued) std::erase(queue_, &entry);
  }
  entries_.erase(found);
}

void ReadySet::arm(Reader& reader) {
  const auto found = entries_.find(&reader);
  CHECK(found != entries_.end());
  std::lock_guard lock(mutex_);
  Entry& entry = *found->second;
  if (std::exchange(entry.armed, true) || entry.queued) return;
  entry.queued = true;
  queue_.push_back(&entry);
}

void ReadySet::queue(Entry& entry) {
  {
    std::lock_guard lock(mutex_);
    if (!entry.armed || entry.queued) return;
    entry.queued = true;
    queue_.push_back(&entry);
    if (queue_.size() > 1) return;  // whoever waits has been told
  }
  changed_.notify_one();
}

void ReadySet::wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

Result<> ReadySet::wait(std::vector<void*>& ready, Deadline deadline) {
  ready.clear();
  TRY(check_());
  for (bool over = false; !over && ready.empty();) {
    {
      std::unique_lock lock(mutex_);
      const auto has_news = [this] { return woken_ || !queue_.empty(); };
      // A busy worker only looks, each time it has worked. Whoever waits for a time that has passed
      // is put to sleep all the same, which costs as much as the work on a small batch.
      if (!has_news())
        over = deadline <= std::chrono::steady_clock::now() ||
               !changed_.wait_until(lock, deadline, has_news);
      over = over || woken_;
      woken_ = false;
      looked_at_.clear();
      looked_at_.swap(queue_);
      // A change from here on queues them again.
      for (Entry* entry : looked_at_) entry->queued = false;
    }
    look_at(looked_at_, ready);
  }
  return {};
}

void ReadySet::look_at(const std::vector<Entry*>& changed, std::vector<void*>& ready) {
  for (Entry* entry : changed) {
    if (!entry->reader.ready()) continue;
    {
      std::lock_guard lock(mutex_);
      entry->armed = false;
      if (std::exchange(entry->queued, false)) std::erase(queue_, entry);
    }
    ready.push_back(entry->tag);
  }
}

}  // namespace penstock::topics
