// A column of a batch as writers go over it: what is the same for all rows is looked at once.
#pragma once

#include <cstdint>

#include "data/column.h"

namespace penstock::format {

class CellSource {
 public:
  // How values lie; other: the column tells.
  enum class Form : std::uint8_t { int32, int64, string, other };

  explicit CellSource(const data::Column& column) : column_(&column) {
    using data::TypeKind;
    if (!column.no_nulls()) nulls_ = column.nulls().data();
    switch (column.type().kind()) {
      case TypeKind::integer:
      case TypeKind::date:
      case TypeKind::time:
        form_ = Form::int32;
        values_ = column.values<std::int32_t>().data();
        break;
      case TypeKind::bigint:
      case TypeKind::timestamp:
        form_ = Form::int64;
        values_ = column.values<std::int64_t>().data();
        break;
      case TypeKind::string:
        form_ = Form::string;
        values_ = column.values<data::Text>().data();
        break;
      default:
        break;
    }
  }

  Form form() const { return form_; }
  const data::Column& column() const { return *column_; }
  bool is_null(data::RowIndex row) const { return nulls_ != nullptr && nulls_[row] != 0; }
  // Of the form's type: std::int32_t, std::int64_t, data::Text.
  template <typename T>
  T at(data::RowIndex row) const {
    return static_cast<const T*>(values_)[row];
  }

 private:
  const data::Column* column_;
  const void* values_ = nullptr;
  const std::uint8_t* nulls_ = nullptr;  // null: no row is null
  Form form_ = Form::other;
};

}  // namespace penstock::format
