// Rows of a batch that leave it with a reason.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "data/column.h"

namespace penstock::data {

// Rows whose computation failed. A failed row leaves the query: its record goes to the dead-letter
// topic with the reason.
class RowErrors {
 public:
  // reason: a stable snake_case code with static storage, such as "division_by_zero"; the first one
  // given for a row stays.
  void add(RowIndex row, std::string_view reason) { errors_.push_back({row, reason}); }
  struct Entry {
    RowIndex row;
    std::string_view reason;
  };
  std::span<const Entry> entries() const { return errors_; }
  bool empty() const { return errors_.empty(); }
  void clear() { errors_.clear(); }

 private:
  std::vector<Entry> errors_;
};

}  // namespace penstock::data
