// Columns as statements write them, without a statement.
#pragma once

#include <string_view>

#include <string>
#include <vector>

#include "base/error.h"
#include "sql/stream_info.h"

namespace penstock::sql {

struct ColumnList {
  data::Schema schema;
  std::vector<HeaderColumn> headers;
  friend bool operator==(const ColumnList&, const ColumnList&) = default;
};

// "ID INT KEY, `note` STRING, H BYTES HEADER('h')"; KEY and PRIMARY KEY mean the same. Empty: no
// columns.
Result<ColumnList> parse_columns(std::string_view text);
std::string columns_text(const SourceInfo& source);

}  // namespace penstock::sql
