// COUNT_DISTINCT: exact for few values, HyperLogLog for many.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "data/cell_bytes.h"
#include "engine/functions/aggregate_numbers.h"
#include "engine/functions/aggregate_states.h"
#include "engine/number_bytes.h"

namespace penstock::engine::functions {
namespace {

constexpr std::size_t kExactMax = 1024;  // distinct hashes that are kept as they are
constexpr int kIndexBits = 12;
constexpr std::size_t kRegisters = std::size_t{1} << kIndexBits;  // a standard error of 1.6 %

// Stored: it must never change.
std::uint64_t hash_of_cell(ByteView bytes) {
  std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a, then mixed (Murmur3's finaliser)
  for (const auto byte : bytes) hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001B3U;
  hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDU;
  hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53U;
  return hash ^ (hash >> 33);
}

// Either hashes, sorted, or registers: Flajolet et al., "HyperLogLog", 2007, figure 3.
class DistinctState {
 public:
  void add(std::uint64_t hash) {
    if (!registers_.empty()) return mark(hash);
    const auto at = std::ranges::lower_bound(hashes_, hash);
    if (at != hashes_.end() && *at == hash) return;
    if (hashes_.size() < kExactMax) {
      hashes_.insert(at, hash);
      return;
    }
    become_registers();
    mark(hash);
  }

  void merge(const DistinctState& from) {
    for (const std::uint64_t hash : from.hashes_) add(hash);
    if (from.registers_.empty()) return;
    become_registers();
    for (std::size_t i = 0; i < kRegisters; ++i)
      registers_[i] = std::max(registers_[i], from.registers_[i]);
  }

  std::int64_t count() const {
    if (registers_.empty()) return static_cast<std::int64_t>(hashes_.size());
    constexpr auto kSize = static_cast<double>(kRegisters);
    double sum = 0;
    for (const std::uint8_t rank : registers_) sum += std::ldexp(1.0, -rank);
    const double raw = 0.7213 / (1 + 1.079 / kSize) * kSize * kSize / sum;
    const auto zeros = static_cast<double>(std::ranges::count(registers_, 0));
    const bool few = raw <= 2.5 * kSize && zeros > 0;
    return std::llround(few ? kSize * std::log(kSize / zeros) : raw);
  }

  void save(ByteBuffer& out) const {
    append_number(out, static_cast<std::uint32_t>(hashes_.size()));
    for (const std::uint64_t hash : hashes_) append_number(out, hash);
    for (const std::uint8_t rank : registers_) append_number(out, rank);
  }
  bool load(ByteView in) {
    std::uint32_t count = 0;
    if (!take_number(in, count) || count > kExactMax || in.size() < count * sizeof(std::uint64_t))
      return false;
    hashes_.resize(count);
    for (std::uint64_t& hash : hashes_) take_number(in, hash);
    if (!std::ranges::is_sorted(hashes_)) return false;
    if (in.empty()) return true;
    if (count > 0 || in.size() != kRegisters) return false;
    registers_.resize(kRegisters);
    for (std::uint8_t& rank : registers_) take_number(in, rank);
    return true;
  }
  std::size_t memory_bytes() const {
    return hashes_.capacity() * sizeof(std::uint64_t) + registers_.capacity();
  }

 private:
  void become_registers() {
    if (!registers_.empty()) return;
    registers_.assign(kRegisters, 0);
    for (const std::uint64_t hash : hashes_) mark(hash);
    hashes_ = {};
  }
  void mark(std::uint64_t hash) {
    std::uint8_t& rank = registers_[hash >> (64 - kIndexBits)];
    const int zeros = std::countl_zero(hash << kIndexBits | std::uint64_t{1} << (kIndexBits - 1));
    rank = std::max(rank, static_cast<std::uint8_t>(zeros + 1));
  }

  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint8_t> registers_;
};

class DistinctCount final : public Aggregate {
 public:
  void grow(std::size_t groups) override { states_.resize(groups); }
  void add(const AggregateRows& rows) override {
    ByteBuffer cell;
    for (const data::RowIndex row : rows.rows) {
      if (rows.args[0]->is_null(row)) continue;
      cell.clear();
      data::append_cell_bytes(cell, *rows.args[0], row);
      DistinctState& state = states_[rows.group_of[row]];
      bytes_ -= state.memory_bytes();
      state.add(hash_of_cell(cell));
      bytes_ += state.memory_bytes();
    }
  }
  bool merge(std::uint32_t from, std::uint32_t into) override {
    bytes_ -= states_[into].memory_bytes();
    states_[into].merge(states_[from]);
    bytes_ += states_[into].memory_bytes();
    return true;
  }
  void results(std::span<const std::uint32_t> groups, data::Column& out,
               data::Arena&) const override {
    for (std::size_t i = 0; i < groups.size(); ++i)
      out.values<std::int64_t>()[i] = states_[groups[i]].count();
  }
  void save(std::uint32_t group, ByteBuffer& out) const override { states_[group].save(out); }
  bool load(std::uint32_t group, ByteView in) override {
    clear(group);
    const bool good = states_[group].load(in);
    bytes_ += states_[group].memory_bytes();
    return good;
  }
  std::size_t state_bytes(std::uint32_t group) const override {
    return states_[group].memory_bytes();
  }
  void clear(std::uint32_t group) override {
    bytes_ -= states_[group].memory_bytes();
    states_[group] = {};
  }
  std::size_t memory_bytes() const override {
    return bytes_ + states_.capacity() * sizeof(DistinctState);
  }

 private:
  std::vector<DistinctState> states_;
  std::size_t bytes_ = 0;  // of what the states hold
};

}  // namespace

MadeAggregate make_distinct_count(const sql::AggregateCall&) {
  return std::make_unique<DistinctCount>();
}

}  // namespace penstock::engine::functions
