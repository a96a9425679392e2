// Vectors of one type: what kernels read and write.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.h"
#include "data/type.h"

namespace penstock::data {

using Int128 = __int128;

// Text or bytes by view, usually into the batch's arena or the buffer that was read.
struct Text {
  const char* data = nullptr;
  std::uint32_t size = 0;
  Text() = default;
  Text(const char* d, std::size_t n) : data(d), size(static_cast<std::uint32_t>(n)) {}
  explicit Text(std::string_view v) : Text(v.data(), v.size()) {}
  std::string_view view() const { return {data, size}; }
  friend bool operator==(Text a, Text b) { return a.view() == b.view(); }
};

// The elements of one ARRAY or MAP within the child columns. Rows may share elements, and elements
// may belong to no row.
struct ListSpan {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
};

// How a type lies in memory: boolean: uint8_t (0 or 1); integer, date, time: int32_t; bigint,
// timestamp: int64_t; double: double; decimal: Int128 (unscaled, scale in the type); string, bytes:
// Text; array: ListSpan over one child; map: ListSpan over two (keys, values; keys are unique and
// not null, entries in the order in which they were put in); struct: no values, one child per
// field with as many rows as the struct.
class Column {
 public:
  using Storage = std::variant<std::vector<std::uint8_t>, std::vector<std::int32_t>,
                               std::vector<std::int64_t>, std::vector<double>, std::vector<Int128>,
                               std::vector<Text>, std::vector<ListSpan>, std::monostate>;

  explicit Column(Type type);
  Column(Column&&) noexcept;
  Column& operator=(Column&&) noexcept;
  ~Column();

  const Type& type() const { return type_; }
  std::size_t size() const { return size_; }

  // Makes room for `rows` rows, contents undefined, no nulls; children of a list become empty.
  // Keeps memory between batches.
  void reset(std::size_t rows);
  // More rows behind those that are there, contents undefined, not null. Returns the first of them.
  std::size_t append(std::size_t rows);

  template <typename T>
  std::span<T> values() {
    return {std::get<std::vector<T>>(storage_).data(), size_};
  }
  template <typename T>
  std::span<const T> values() const {
    return {std::get<std::vector<T>>(storage_).data(), size_};
  }

  std::size_t children() const { return children_.size(); }
  Column& child(std::size_t i) { return *children_[i]; }
  const Column& child(std::size_t i) const { return *children_[i]; }
  ListSpan list(std::size_t row) const { return values<ListSpan>()[row]; }
  // Begins the row's list: `size` elements appended to every child. Returns the first of them.
  std::size_t begin_list(std::size_t row, std::size_t size);

  // Nulls: one byte per row, 1 = null; no_nulls() while no row was set null since reset().
  bool no_nulls() const { return !has_nulls_; }
  bool is_null(std::size_t row) const { return has_nulls_ && nulls_[row] != 0; }
  std::span<const std::uint8_t> nulls() const { return {nulls_.data(), has_nulls_ ? size_ : 0}; }
  void set_null(std::size_t row);
  std::span<std::uint8_t> writable_nulls();  // all rows; marks the column as having nulls
  void clear_nulls() { has_nulls_ = false; }

  std::size_t memory_bytes() const;  // of the vectors; texts lie elsewhere

 private:
  Type type_;
  Storage storage_;
  std::vector<std::uint8_t> nulls_;
  std::vector<std::unique_ptr<Column>> children_;
  std::size_t size_ = 0;
  bool has_nulls_ = false;
};

// Row numbers, rising. Kernels compute only these rows and write results at the same row numbers.
using RowIndex = std::uint32_t;
using Selection = std::span<const RowIndex>;

}  // namespace penstock::data
