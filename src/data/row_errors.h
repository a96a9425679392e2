// Rows of a batch that leave it with a reason.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "data/column.h"

namespace penstock::data {

// Rows whose computation failed, and why. What becomes of them is said where they are looked at: a
// column becomes NULL, or the record a dead letter.
class RowErrors {
 public:
  // reason: a stable snake_case code with static storage, such as "division_by_zero"; the first one
  // given for a row stays.
  void add(RowIndex row, std::string_view reason) { errors_.push_back({row, reason, false}); }
  struct Entry {
    RowIndex row;
    std::string_view reason;
    bool fatal = false;      // the row must not go on, whatever the query says of errors
    bool contained = false;  // an item of a list is NULL for it, the rest of the value stands
  };
  void add(const Entry& entry) { errors_.push_back(entry); }
  // Everything added since there were `count` entries.
  void make_fatal(std::size_t count) {
    for (std::size_t i = count; i < errors_.size(); ++i) errors_[i].fatal = true;
  }
  // The same, of what is not fatal: a list or struct has taken them in as items without a value.
  void contain(std::size_t count) {
    for (std::size_t i = count; i < errors_.size(); ++i) errors_[i].contained = !errors_[i].fatal;
  }
  std::span<const Entry> entries() const { return errors_; }
  bool empty() const { return errors_.empty(); }
  void clear() { errors_.clear(); }

 private:
  std::vector<Entry> errors_;
};

}  // namespace penstock::data
