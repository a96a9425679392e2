// Columns of a stream.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/type.h"

namespace penstock::data {

// header: filled from a record's headers, no part of its key or value.
enum class ColumnRole : std::uint8_t { key, value, header };

struct ColumnSchema {
  std::string name;  // as declared: upper case unless it was quoted
  Type type;
  ColumnRole role = ColumnRole::value;
  friend bool operator==(const ColumnSchema&, const ColumnSchema&) = default;
};

// Columns in declaration order; key columns come first.
struct Schema {
  std::vector<ColumnSchema> columns;

  std::optional<std::size_t> find(std::string_view name) const;
  std::string text() const;  // "`ID` STRING KEY, `N` BIGINT"
  friend bool operator==(const Schema&, const Schema&) = default;
};

}  // namespace penstock::data
