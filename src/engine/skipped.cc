#include "engine/skipped.h"

#include <algorithm>

#include <fmt/format.h>

namespace penstock::engine {

void SkippedRecords::add(std::string_view reason) {
  ++records_;
  auto at = std::ranges::find(counts_, reason, &Count::reason);
  if (at == counts_.end() && counts_.size() >= kReasonsMax) {
    reason = "other";
    at = std::ranges::find(counts_, reason, &Count::reason);
  }
  if (at == counts_.end()) at = counts_.insert(at, {.reason = std::string(reason)});
  ++at->records;
}

std::string SkippedRecords::text() const {
  if (records_ == 0) return {};
  std::string reasons;
  for (const Count& count : counts_)
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", count.records, count.reason);
  return fmt::format("{} record{} left out: {}", records_, records_ == 1 ? " was" : "s were",
                     reasons);
}

}  // namespace penstock::engine
