#include "data/column.h"

#include <algorithm>
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
    case TypeKind::struct_:
      break;
  }
  CHECK(false && "nested types have no vector form");
  std::unreachable();
}

}  // namespace

Column::Column(Type type) : type_(std::move(type)), storage_(storage_for(type_.kind())) {}

void Column::reset(std::size_t rows) {
  size_ = rows;
  has_nulls_ = false;
  std::visit(
      [rows](auto& values) {
        if (values.size() < rows) values.resize(rows);
      },
      storage_);
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
