// Queries whose rows are on their way to clients: shown beside the persistent ones, and ended by
// their ids.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/runtime.h"

namespace penstock::session {

struct PushQueryRow {
  std::string id, statement;
  std::vector<std::string> sources;  // streams
};

// Thread-safe.
class PushQueries {
 public:
  // Listed while it lives, or until it is ended; the query outlives it, and the list too.
  class Entry {
   public:
    Entry(PushQueries& list, PushQueryRow row, engine::PushQuery& query);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    PushQueries& list_;
    const std::string key_;
  };

  // Cancels it; its client is told. false: there is none of this id, in whichever case it is
  // written (SQL's identifiers are upper case unless quoted).
  bool end(std::string_view id);
  bool has(std::string_view id) const;
  std::vector<PushQueryRow> rows() const;  // sorted by id
  std::size_t size() const;

 private:
  struct Running {
    PushQueryRow row;
    engine::PushQuery* query;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Running> running_;  // by the id in upper case
};

}  // namespace penstock::session
