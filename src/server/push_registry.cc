#include "server/push_registry.h"

#include <utility>

namespace penstock::server {

PushRegistry::Entry::Entry(PushRegistry& registry, std::string id, engine::PushQuery& query)
    : registry_(registry), id_(std::move(id)) {
  const std::lock_guard lock(registry_.mutex_);
  registry_.queries_.insert_or_assign(id_, &query);
}

PushRegistry::Entry::~Entry() {
  const std::lock_guard lock(registry_.mutex_);
  registry_.queries_.erase(id_);
}

bool PushRegistry::close(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto at = queries_.find(id);
  if (at == queries_.end()) return false;
  at->second->cancel();
  queries_.erase(at);
  return true;
}

std::size_t PushRegistry::size() const {
  const std::lock_guard lock(mutex_);
  return queries_.size();
}

}  // namespace penstock::server
