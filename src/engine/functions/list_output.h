// ARRAY and MAP results, element by element.
#pragma once

#include <string_view>
#include <unordered_map>

#include "data/cell.h"
#include "engine/functions/kernel.h"
#include "engine/functions/limits.h"

namespace penstock::engine::functions {

using data::ListSpan;

// The list of one row. One at a time per column; done() or fail() ends it.
class ListOutput {
 public:
  ListOutput(const KernelCall& call, RowIndex row)
      : call_(call), row_(row), first_(call.result.child(0).size()) {}

  // A new element (of a map: entry); its row in the children.
  std::size_t add() {
    for (std::size_t part = 0; part < call_.result.children(); ++part)
      call_.result.child(part).append(1);
    return first_ + size_++;
  }
  void add_copy(const data::Column& from, std::size_t row, std::size_t part = 0) {
    data::copy_cell(from, row, call_.result.child(part), part == 0 ? add() : first_ + size_ - 1);
  }
  void add_text(Text text) {
    const std::size_t at = add();
    call_.result.child(0).values<Text>()[at] = text;
  }
  std::size_t first() const { return first_; }
  std::uint32_t size() const { return size_; }

  void done() {
    call_.result.values<ListSpan>()[row_] = {static_cast<std::uint32_t>(first_), size_};
  }
  void fail(std::string_view reason) {
    call_.result.values<ListSpan>()[row_] = {};
    call_.errors.add(row_, reason);
  }

 private:
  const KernelCall& call_;
  RowIndex row_;
  std::size_t first_;
  std::uint32_t size_ = 0;
};

inline void null_list(const KernelCall& call, RowIndex row) {
  call.result.values<ListSpan>()[row] = {};
  call.result.set_null(row);
}

// Cells by value, nulls too. The column outlives it and does not move its rows.
class CellSet {
 public:
  explicit CellSet(const data::Column& cells) : cells_(cells) {}
  // False: an equal one is there.
  bool insert(std::size_t row) {
    if (contains(cells_, row)) return false;
    rows_.emplace(data::hash_cell(cells_, row), row);
    return true;
  }
  bool contains(const data::Column& column, std::size_t row) const {
    auto [at, end] = rows_.equal_range(data::hash_cell(column, row));
    for (; at != end; ++at)
      if (data::equal_cells(cells_, at->second, column, row)) return true;
    return false;
  }

 private:
  const data::Column& cells_;
  std::unordered_multimap<std::uint64_t, std::size_t> rows_;
};

}  // namespace penstock::engine::functions
