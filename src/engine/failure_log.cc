#include "engine/failure_log.h"

#include <algorithm>

#include "base/log.h"

namespace penstock::engine {

void FailureLog::add(std::string_view step, std::string_view reason) {
  const auto same = [&](const Entry& e) { return e.step == step && e.reason == reason; };
  auto found = std::ranges::find_if(entries_, same);
  if (found == entries_.end() && entries_.size() >= kEntriesMax) {
    reason = "other";
    found = std::ranges::find_if(entries_, same);
  }
  if (found == entries_.end())
    found = entries_.insert(entries_.end(), {std::string(step), reason, 0});
  ++found->rows;
}

void FailureLog::flush(Time now, std::string_view query) {
  if (entries_.empty() || now - last_flush_ < std::chrono::seconds(1)) return;
  last_flush_ = now;
  for (const Entry& entry : entries_)
    log::warning("an expression failed and became NULL",
                 {{"query", log::Public(query)},
                  {"step", log::Public(entry.step)},
                  {"reason", log::Public(entry.reason)},
                  {"rows", log::Public(std::to_string(entry.rows))}});
  entries_.clear();
}

}  // namespace penstock::engine
