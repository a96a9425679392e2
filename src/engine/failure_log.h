// The processing log: expressions that failed, counted by step and reason, never their values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::engine {

// Of one task. One thread. At most one entry per step and reason and second goes to the log.
class FailureLog {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kEntriesMax = 64;  // what is beyond counts as reason "other"

  // step and reason have static storage.
  void add(std::string_view step, std::string_view reason);
  bool empty() const { return entries_.empty(); }
  // Writes what has been counted, when the last time is a second ago.
  void flush(Time now, std::string_view query);

  struct Entry {
    std::string step;
    std::string_view reason;
    std::uint64_t rows = 0;
  };
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  Time last_flush_{};
};

}  // namespace penstock::engine
