// Tables on a terminal.
#pragma once

#include <string>
#include <vector>

namespace penstock::cli {

struct TableColumn {
  std::string name;
  bool right = false;     // numbers
  std::size_t width = 0;  // in terminal columns
};

enum class Overlong { cut, wrap, spill };  // spill: cells may pass their width (not a terminal)

// Lines of a table whose widths are known; each ends with a newline.
std::string table_rule(const std::vector<TableColumn>& columns);
std::string table_head(const std::vector<TableColumn>& columns, Overlong overlong);
std::string table_row(const std::vector<TableColumn>& columns,
                      const std::vector<std::string>& cells, Overlong overlong);

// A table whose rows are known: columns as wide as they need to be, narrowed from the widest on so
// that it fits `columns_max` terminal columns (0: no limit).
struct Table {
  std::vector<TableColumn> columns;
  std::vector<std::vector<std::string>> rows;  // printable texts, one per column
};
std::string to_text(Table table, std::size_t columns_max, Overlong overlong);

// Narrows the widest columns until the table fits.
void fit_columns(std::vector<TableColumn>& columns, std::size_t columns_max);

}  // namespace penstock::cli
