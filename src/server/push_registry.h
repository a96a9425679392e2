// Queries whose rows are on their way to clients, so that /close-query finds them.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "engine/runtime.h"

namespace penstock::server {

// Thread-safe.
class PushRegistry {
 public:
  // Entered while it lives, or until it is closed; the query outlives it.
  class Entry {
   public:
    Entry(PushRegistry& registry, std::string id, engine::PushQuery& query);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    PushRegistry& registry_;
    const std::string id_;
  };

  bool close(const std::string& id);  // false: no such query
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, engine::PushQuery*> queries_;
};

}  // namespace penstock::server
