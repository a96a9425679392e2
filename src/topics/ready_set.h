// The wait set of logs whose partitions tell who watches them when they change.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "topics/log.h"

namespace penstock::topics {

// Somebody who wants to know that a partition has changed.
class Watcher {
 public:
  virtual void on_change() = 0;  // any thread; takes no lock of a log

 protected:
  ~Watcher() = default;
};

// Those who watch one partition. Thread-safe.
class Watchers {
 public:
  void add(Watcher& watcher);
  void remove(Watcher& watcher);  // it is not called any more once this returns
  // After the change. Costs one load when nobody watches.
  void notify();

 private:
  std::atomic<int> count_ = 0;
  std::mutex mutex_;
  std::vector<Watcher*> all_;
};

// A reader that a ReadySet can wait for.
class WatchedReader : public Reader {
 public:
  // next() would bring records, an error or another position. What it looks at changes before
  // Watchers::notify().
  virtual bool ready() const = 0;
  virtual std::shared_ptr<Watchers> watchers() const = 0;  // of its partition
};

class ReadySet final : public WaitSet {
 public:
  // check: an error that keeps everybody from waiting, if there is one; the set outlives what it
  // uses.
  explicit ReadySet(std::function<Result<>()> check) : check_(std::move(check)) {}
  ~ReadySet() override;

  void add(Reader& reader, void* tag) override;
  void remove(Reader& reader) override;
  void arm(Reader& reader) override;
  Result<> wait(std::vector<void*>& ready, Deadline deadline) override;
  void wake() override;

 private:
  struct Entry final : Watcher {
    Entry(ReadySet& in, WatchedReader& whose, void* what)
        : set(in), reader(whose), tag(what), watchers(whose.watchers()) {}
    void on_change() override { set.queue(*this); }

    ReadySet& set;
    WatchedReader& reader;
    void* const tag;
    const std::shared_ptr<Watchers> watchers;
    bool armed = true;    // guarded by the set's mutex
    bool queued = false;  // the same: is to be looked at
  };
  void queue(Entry& entry);
  void look_at(const std::vector<Entry*>& changed, std::vector<void*>& ready);

  const std::function<Result<>()> check_;
  std::map<Reader*, std::unique_ptr<Entry>> entries_;  // the owner's thread
  std::vector<Entry*> looked_at_;                      // the same

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Entry*> queue_;
  bool woken_ = false;
};

}  // namespace penstock::topics
