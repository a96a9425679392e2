// Records that a query for a client left out, counted by reason: it has no dead letters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::engine {

// One thread. Reasons are codes ("malformed_json"), never a record's content; beyond kReasonsMax of
// them the rest counts as "other".
class SkippedRecords {
 public:
  static constexpr std::size_t kReasonsMax = 16;
  struct Count {
    std::string reason;
    std::uint64_t records = 0;
  };

  void add(std::string_view reason);
  std::uint64_t records() const { return records_; }
  const std::vector<Count>& counts() const { return counts_; }  // in the order of their first
  // "3 records were left out: 2 malformed_json, 1 replayed"; empty when there are none.
  std::string text() const;

 private:
  std::uint64_t records_ = 0;
  std::vector<Count> counts_;
};

}  // namespace penstock::engine
