#include "session/push_queries.h"

#include <utility>

#include "base/ascii.h"

namespace penstock::session {

PushQueries::Entry::Entry(PushQueries& list, PushQueryRow row, engine::PushQuery& query)
    : list_(list), key_(upper(row.id)) {
  const std::lock_guard lock(list_.mutex_);
  list_.running_.insert_or_assign(key_, Running{std::move(row), &query});
}

PushQueries::Entry::~Entry() {
  const std::lock_guard lock(list_.mutex_);
  list_.running_.erase(key_);
}

bool PushQueries::end(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto at = running_.find(upper(id));
  if (at == running_.end()) return false;
  at->second.query->cancel();
  running_.erase(at);
  return true;
}

bool PushQueries::has(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  return running_.contains(upper(id));
}

std::vector<PushQueryRow> PushQueries::rows() const {
  const std::lock_guard lock(mutex_);
  std::vector<PushQueryRow> rows;
  for (const auto& [key, running] : running_) rows.push_back(running.row);
  return rows;
}

std::size_t PushQueries::size() const {
  const std::lock_guard lock(mutex_);
  return running_.size();
}

}  // namespace penstock::session
