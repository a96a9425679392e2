// The wait set of logs that have none of their own: looks at all readers that are armed.
#include <algorithm>
#include <atomic>
#include <chrono>

#include "base/check.h"
#include "topics/log.h"

namespace penstock::topics {
namespace {

// A wake() that comes just before the log's wait begins is noticed after this time.
constexpr std::chrono::milliseconds kWakeLook{20};

class PollingWaitSet final : public WaitSet {
 public:
  explicit PollingWaitSet(Log& log) : log_(log) {}

  void add(Reader& reader, void* tag) override { all_.push_back({&reader, tag, true}); }
  void remove(Reader& reader) override {
    CHECK(std::erase_if(all_, [&](const Entry& entry) { return entry.reader == &reader; }) == 1);
  }
  void arm(Reader& reader) override {
    const auto found = std::ranges::find(all_, &reader, &Entry::reader);
    CHECK(found != all_.end());
    found->armed = true;
  }
  Result<> wait(std::vector<void*>& ready, Deadline deadline) override {
    ready.clear();
    readers_.clear();
    for (const Entry& entry : all_)
      if (entry.armed) readers_.push_back(entry.reader);
    while (true) {
      const bool woken = woken_.exchange(false);
      const Deadline now = std::chrono::steady_clock::now();
      const Deadline until = woken ? now : std::min(deadline, now + kWakeLook);
      if (TRY(log_.wait(readers_, until))) return find_ready(ready);
      if (woken || woken_.exchange(false) || until == deadline || now >= deadline) return {};
    }
  }
  void wake() override {
    woken_ = true;
    log_.wake();
  }

 private:
  struct Entry {
    Reader* reader;
    void* tag;
    bool armed;
  };
  Result<> find_ready(std::vector<void*>& ready) {
    for (Entry& entry : all_) {
      if (!entry.armed || !TRY(log_.wait({&entry.reader, 1}, Deadline{}))) continue;
      entry.armed = false;
      ready.push_back(entry.tag);
    }
    return {};
  }

  Log& log_;
  std::vector<Entry> all_;
  std::vector<Reader*> readers_;
  std::atomic<bool> woken_ = false;
};

}  // namespace

std::unique_ptr<WaitSet> make_polling_wait_set(Log& log) {
  return std::make_unique<PollingWaitSet>(log);
}

}  // namespace penstock::topics
