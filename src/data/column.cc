#include "data/column.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

namespace penstock::data {
namespace {

Column::Storage storage_for(TypeKind kind) {
  switch (kind) {
    case TypeKind::boolean:
      return std::vector<std::uint8_t>();
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return std::vector<std::int32_t>();
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return std::vector<std::int64_t>();
    case TypeKind::double_:
      return std::vector<double>();
    case TypeKind::decimal:
      return std::vector<Int128>();
    case TypeKind::string:
    case TypeKind::bytes:
      return std::vector<Text>();
    case TypeKind::array:
    case TypeKind::map:
      return std::vector<ListSpan>();
    case TypeKind::struct_:
      return std::monostate();
  }
  std::unreachable();
}

// Grows by doubling: lists are appended to element by element.
void resize_storage(Column::Storage& storage, std::size_t rows) {
  std::visit(
      [rows]<typename T>(T& values) {
        if constexpr (!std::is_same_v<T, std::monostate>)
          if (values.size() < rows) values.resize(std::max(rows, 2 * values.size()));
      },
      storage);
}

}  // namespace

Column::Column(Type type) : type_(std::move(type)), storage_(storage_for(type_.kind())) {
  for (const TypeField& field : type_.fields())
    children_.push_back(std::make_unique<Column>(field.type));
}
Column::Column(Column&&) noexcept = default;
Column& Column::operator=(Column&&) noexcept = default;
Column::~Column() = default;

void Column::reset(std::size_t rows) {
  size_ = rows;
  has_nulls_ = false;
  resize_storage(storage_, rows);
  for (const auto& child : children_) child->reset(type_.is_list() ? 0 : rows);
}

std::size_t Column::append(std::size_t rows) {
  const std::size_t first = size_;
  CHECK(rows <= std::numeric_limits<std::uint32_t>::max() - first);
  size_ += rows;
  resize_storage(storage_, size_);
  if (has_nulls_) {
    if (nulls_.size() < size_) nulls_.resize(std::max(size_, 2 * nulls_.size()));
    std::fill_n(nulls_.begin() + static_cast<std::ptrdiff_t>(first), rows, std::uint8_t{0});
  }
  if (type_.kind() == TypeKind::struct_)
    for (const auto& child : children_) child->append(rows);
  return first;
}

std::size_t Column::begin_list(std::size_t row, std::size_t size) {
  std::size_t first = 0;
  for (const auto& child : children_) first = child->append(size);
  values<ListSpan>()[row] = {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(size)};
  return first;
}

std::size_t Column::memory_bytes() const {
  std::size_t bytes = nulls_.capacity();
  std::visit(
      [&]<typename T>(const T& values) {
        if constexpr (!std::is_same_v<T, std::monostate>)
          bytes += values.capacity() * sizeof(typename T::value_type);
      },
      storage_);
  for (const auto& child : children_) bytes += child->memory_bytes();
  return bytes;
}

void Column::set_null(std::size_t row) {
  if (!has_nulls_) writable_nulls();
  nulls_[row] = 1;
}

std::span<std::uint8_t> Column::writable_nulls() {
  if (!has_nulls_) {
    if (nulls_.size() < size_) nulls_.resize(size_);
    std::fill_n(nulls_.begin(), size_, std::uint8_t{0});
    has_nulls_ = true;
  }
  return {nulls_.data(), size_};
}

}  // namespace penstock::data
