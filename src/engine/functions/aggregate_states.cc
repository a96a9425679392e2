#include "engine/functions/aggregate_states.h"

#include <algorithm>

#include "base/check.h"
#include "engine/functions/limits.h"
#include "engine/number_bytes.h"

namespace penstock::engine::functions {

std::size_t CellList::find(ByteView bytes) const {
  const auto same = [&](const Cell& cell) { return std::ranges::equal(cell.bytes, bytes); };
  return static_cast<std::size_t>(std::ranges::find_if(cells_, same) - cells_.begin());
}

std::size_t CellList::find_last(ByteView bytes) const {
  for (std::size_t i = cells_.size(); i-- > 0;)
    if (std::ranges::equal(cells_[i].bytes, bytes)) return i;
  return cells_.size();
}

void CellList::insert(std::size_t at, Cell cell) {
  bytes_ += bytes_of(cell.bytes.size());
  cells_.insert(cells_.begin() + static_cast<std::ptrdiff_t>(at), std::move(cell));
}

void CellList::erase(std::size_t at) {
  bytes_ -= bytes_of(cells_[at].bytes.size());
  cells_.erase(cells_.begin() + static_cast<std::ptrdiff_t>(at));
}

void CellList::replace(std::size_t at, ByteBuffer bytes) {
  bytes_ += bytes.size();
  bytes_ -= cells_[at].bytes.size();
  cells_[at].bytes = std::move(bytes);
}

void CellRule::undo(CellList&, ByteView, bool) {
  CHECK(false && "Overload::undo says that this aggregate takes nothing back");
}

bool CellRule::merge(CellList& into, const CellList& from) {
  bool all = true;
  for (const CellList::Cell& cell : from.cells()) all &= add(into, cell.bytes, false);
  return all;
}

bool CellRule::push(CellList& list, ByteBuffer cell) const {
  if (!has_room(list, cell.size())) return false;
  list.push({std::move(cell)});
  return true;
}

bool CellListAggregate::take_cell(const AggregateRows& rows, data::RowIndex row,
                                  ByteBuffer& cell) const {
  cell.clear();
  if (parts_ > 1) cell.push_back(1);  // a struct that is there
  for (std::size_t i = 0; i < parts_; ++i) data::append_cell_bytes(cell, *rows.args[i], row);
  return rows.args[0]->is_null(row);
}

void CellListAggregate::add(const AggregateRows& rows) {
  ByteBuffer cell;
  for (const data::RowIndex row : rows.rows) {
    const bool null = take_cell(rows, row, cell);
    CellList& list = lists_[rows.group_of[row]];
    const std::size_t before = list.size();
    if (!rule_->add(list, cell, null)) rows.errors.add(row, kGroupTooLarge);
    if (list.size() > before) cell_bytes_ += sizeof(CellList::Cell) + cell.size();
  }
}

void CellListAggregate::undo(const AggregateRows& rows) {
  ByteBuffer cell;
  for (const data::RowIndex row : rows.rows) {
    const bool null = take_cell(rows, row, cell);
    rule_->undo(lists_[rows.group_of[row]], cell, null);
  }
}

bool CellListAggregate::merge(std::uint32_t from, std::uint32_t into) {
  for (const CellList::Cell& cell : lists_[from].cells())
    cell_bytes_ += sizeof cell + cell.bytes.size();
  return rule_->merge(lists_[into], lists_[from]);
}

void CellListAggregate::results(std::span<const std::uint32_t> groups, data::Column& out,
                                data::Arena& arena) const {
  for (std::size_t i = 0; i < groups.size(); ++i) rule_->result(lists_[groups[i]], out, i, arena);
}

void CellListAggregate::save(std::uint32_t group, ByteBuffer& out) const {
  const CellList& list = lists_[group];
  append_number(out, static_cast<std::uint32_t>(list.size()));
  for (const CellList::Cell& cell : list.cells()) {
    append_number(out, static_cast<std::uint32_t>(cell.bytes.size()));
    out.insert(out.end(), cell.bytes.begin(), cell.bytes.end());
    append_number(out, cell.count);
  }
}

bool CellListAggregate::load(std::uint32_t group, ByteView in) {
  std::uint32_t cells = 0, size = 0;
  if (!take_number(in, cells) || cells > in.size()) return false;
  CellList list;
  for (std::uint32_t i = 0; i < cells; ++i) {
    if (!take_number(in, size) || size > in.size()) return false;
    CellList::Cell cell{to_buffer(in.first(size))};
    in = in.subspan(size);
    if (!take_number(in, cell.count)) return false;
    cell_bytes_ += sizeof cell + size;
    list.push(std::move(cell));
  }
  rule_->loaded(list);
  lists_[group] = std::move(list);
  return in.empty();
}

void put_cells(const CellList& list, data::Column& out, std::size_t row, data::Arena& arena) {
  const std::size_t first = out.begin_list(row, list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    ByteView bytes(list.cells()[i].bytes);
    CHECK(data::take_cell_bytes(bytes, out.child(0), first + i, arena));
  }
}

}  // namespace penstock::engine::functions
