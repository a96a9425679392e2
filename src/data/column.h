// Vectors of one type: what kernels read and write.
#pragma once

#include <cstdint>
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

// How a type lies in memory: boolean: uint8_t (0 or 1); integer, date, time: int32_t; bigint,
// timestamp: int64_t; double: double; decimal: Int128 (unscaled, scale in the type); string, bytes:
// Text. Nested types have no vector form yet.
class Column {
 public:
  using Storage =
      std::variant<std::vector<std::uint8_t>, std::vector<std::int32_t>, std::vector<std::int64_t>,
                   std::vector<double>, std::vector<Int128>, std::vector<Text>>;

  explicit Column(Type type);  // CHECKs that the type is not nested

  const Type& type() const { return type_; }
  std::size_t size() const { return size_; }

  // Makes room for `rows` rows, contents undefined, no nulls. Keeps memory between batches.
  void reset(std::size_t rows);

  template <typename T>
  std::span<T> values() {
    return {std::get<std::vector<T>>(storage_).data(), size_};
  }
  template <typename T>
  std::span<const T> values() const {
    return {std::get<std::vector<T>>(storage_).data(), size_};
  }

  // Nulls: one byte per row, 1 = null; no_nulls() while no row was set null since reset().
  bool no_nulls() const { return !has_nulls_; }
  bool is_null(std::size_t row) const { return has_nulls_ && nulls_[row] != 0; }
  std::span<const std::uint8_t> nulls() const { return {nulls_.data(), has_nulls_ ? size_ : 0}; }
  void set_null(std::size_t row);
  std::span<std::uint8_t> writable_nulls();  // all rows; marks the column as having nulls
  void clear_nulls() { has_nulls_ = false; }

 private:
  Type type_;
  Storage storage_;
  std::vector<std::uint8_t> nulls_;
  std::size_t size_ = 0;
  bool has_nulls_ = false;
};

// Row numbers, rising. Kernels compute only these rows and write results at the same row numbers.
using RowIndex = std::uint32_t;
using Selection = std::span<const RowIndex>;

}  // namespace penstock::data
