#include "data/schema.h"

namespace penstock::data {

std::optional<std::size_t> Schema::find(std::string_view name) const {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i].name == name) return i;
  return std::nullopt;
}

std::string Schema::text() const {
  std::string out;
  for (const ColumnSchema& column : columns) {
    if (!out.empty()) out += ", ";
    out += "`" + column.name + "` " + column.type.text();
    if (column.role == ColumnRole::key) out += " KEY";
    if (column.role == ColumnRole::header) out += " HEADERS";
  }
  return out;
}

}  // namespace penstock::data
