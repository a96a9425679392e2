// What aggregates are made of: one state per group, of a fixed size or a list of cells.
#pragma once

#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "data/cell_bytes.h"
#include "sql/aggregate.h"

namespace penstock::engine::functions {

using sql::Aggregate;
using sql::AggregateRows;

// State: trivially copyable; value-initialised it is that of an empty group. Rule:
//   void add(State&, const AggregateRows&, RowIndex) and, where it can, undo with the same;
//   void merge(State& into, const State& from);
//   void result(const State&, data::Column& out, std::size_t row).
template <typename State, typename Rule>
class FixedAggregate final : public Aggregate {
 public:
  explicit FixedAggregate(Rule rule = {}) : rule_(rule) {}

  void grow(std::size_t groups) override { states_.resize(groups); }
  void add(const AggregateRows& rows) override {
    for (const data::RowIndex row : rows.rows) rule_.add(states_[rows.group_of[row]], rows, row);
  }
  void undo(const AggregateRows& rows) override {
    if constexpr (requires(Rule& rule, State& state) { rule.undo(state, rows, 0U); }) {
      for (const data::RowIndex row : rows.rows) rule_.undo(states_[rows.group_of[row]], rows, row);
    } else {
      Aggregate::undo(rows);
    }
  }
  bool merge(std::uint32_t from, std::uint32_t into) override {
    rule_.merge(states_[into], states_[from]);
    return true;
  }
  void results(std::span<const std::uint32_t> groups, data::Column& out,
               data::Arena&) const override {
    for (std::size_t i = 0; i < groups.size(); ++i) rule_.result(states_[groups[i]], out, i);
  }
  void save(std::uint32_t group, ByteBuffer& out) const override {
    static_assert(std::is_trivially_copyable_v<State> &&
                  std::has_unique_object_representations_v<State>);
    const std::size_t at = out.size();
    out.resize(at + sizeof(State));
    std::memcpy(out.data() + at, &states_[group], sizeof(State));
  }
  bool load(std::uint32_t group, ByteView in) override {
    if (in.size() != sizeof(State)) return false;
    std::memcpy(&states_[group], in.data(), sizeof(State));
    return true;
  }
  std::size_t state_bytes(std::uint32_t) const override { return sizeof(State); }
  void clear(std::uint32_t group) override { states_[group] = State{}; }
  std::size_t memory_bytes() const override { return states_.capacity() * sizeof(State); }

 private:
  Rule rule_;
  std::vector<State> states_;
};

// Cells as bytes (data/cell_bytes.h), each with a count.
class CellList {
 public:
  struct Cell {
    ByteBuffer bytes;
    std::int64_t count = 1;  // how often it came; of the *_BY_OFFSET functions: its number
  };
  const std::vector<Cell>& cells() const { return cells_; }
  bool empty() const { return cells_.empty(); }
  std::size_t size() const { return cells_.size(); }
  // Of all cells, with what else is stored of each.
  std::size_t bytes() const { return bytes_; }

  std::size_t find(ByteView bytes) const;  // size(): it is not there
  std::size_t find_last(ByteView bytes) const;

  void push(Cell cell) { insert(cells_.size(), std::move(cell)); }
  void insert(std::size_t at, Cell cell);
  void erase(std::size_t at);
  void replace(std::size_t at, ByteBuffer bytes);
  std::int64_t& count(std::size_t at) { return cells_[at].count; }

  static std::size_t bytes_of(std::size_t cell) { return cell + sizeof(std::int64_t) + 4; }

 private:
  std::vector<Cell> cells_;
  std::size_t bytes_ = 0;
};

// What a function keeps of the cells that come.
class CellRule {
 public:
  virtual ~CellRule() = default;
  // False: the list has no room for it, and is as it was.
  virtual bool add(CellList& list, ByteBuffer cell, bool null) = 0;
  virtual void undo(CellList& list, ByteView cell, bool null);  // CHECKs where it is not overridden
  virtual bool merge(CellList& into, const CellList& from);     // adds the cells, one by one
  virtual void loaded(const CellList&) {}                       // a list that was stored before
  virtual void result(const CellList& list, data::Column& out, std::size_t row,
                      data::Arena& arena) const = 0;

  void set_bytes_max(std::size_t bytes) { bytes_max_ = bytes; }

 protected:
  // Whether one more cell has room, when so much goes first.
  bool has_room(const CellList& list, std::size_t cell, std::size_t going = 0) const {
    return list.bytes() - going + CellList::bytes_of(cell) <= bytes_max_;
  }
  bool push(CellList& list, ByteBuffer cell) const;  // if it has room

 private:
  std::size_t bytes_max_ = std::numeric_limits<std::size_t>::max();
};

// Over the first `parts` arguments: one is a cell itself, several are the fields of a STRUCT.
class CellListAggregate final : public Aggregate {
 public:
  CellListAggregate(std::unique_ptr<CellRule> rule, std::size_t parts)
      : rule_(std::move(rule)), parts_(parts) {}

  void grow(std::size_t groups) override { lists_.resize(groups); }
  void set_bytes_max(std::size_t bytes) override { rule_->set_bytes_max(bytes); }
  void add(const AggregateRows& rows) override;
  void undo(const AggregateRows& rows) override;
  bool merge(std::uint32_t from, std::uint32_t into) override;
  void results(std::span<const std::uint32_t> groups, data::Column& out,
               data::Arena& arena) const override;
  void save(std::uint32_t group, ByteBuffer& out) const override;
  bool load(std::uint32_t group, ByteView in) override;
  std::size_t state_bytes(std::uint32_t group) const override { return lists_[group].bytes(); }
  void clear(std::uint32_t group) override { lists_[group] = {}; }
  std::size_t memory_bytes() const override {
    return lists_.capacity() * sizeof(CellList) + cell_bytes_;
  }

 private:
  // The row's cell; true: it is null (of several: the first is).
  bool take_cell(const AggregateRows& rows, data::RowIndex row, ByteBuffer& cell) const;

  std::unique_ptr<CellRule> rule_;
  const std::size_t parts_;
  std::vector<CellList> lists_;
  std::size_t cell_bytes_ = 0;  // of all that were taken up or added: what was dropped counts on
};

// Fills an ARRAY with the cells, each once.
void put_cells(const CellList& list, data::Column& out, std::size_t row, data::Arena& arena);

}  // namespace penstock::engine::functions
