// Where the keys of a map that grows are, in the column that they are appended to.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "data/cell.h"

namespace penstock::data {

// Few are looked through, many are found by their hashes. The column outlives it.
class KeyPlaces {
 public:
  // The keys stand in rows from `first` on.
  KeyPlaces(const Column& keys, std::size_t first) : keys_(keys), first_(first) {}

  // The row of the one among the first `count` keys that equals this cell; nullopt: there is none.
  // Those that were there before do not change, and count does not fall.
  std::optional<std::size_t> find(std::size_t count, const Column& of, std::size_t row) {
    if (count <= kFew) {
      for (std::size_t at = first_; at < first_ + count; ++at)
        if (equal_cells(keys_, at, of, row)) return at;
      return std::nullopt;
    }
    for (; hashed_ < count; ++hashed_)
      rows_.emplace(hash_cell(keys_, first_ + hashed_), first_ + hashed_);
    auto [at, last] = rows_.equal_range(hash_cell(of, row));
    for (; at != last; ++at)
      if (equal_cells(keys_, at->second, of, row)) return at->second;
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kFew = 16;
  const Column& keys_;
  const std::size_t first_;
  std::size_t hashed_ = 0;
  std::unordered_multimap<std::uint64_t, std::size_t> rows_;
};

}  // namespace penstock::data
