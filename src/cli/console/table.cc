#include "cli/console/table.h"

#include <algorithm>

#include "cli/console/cell_text.h"

namespace penstock::cli {
namespace {

constexpr std::size_t kNarrowest = 4;

void put_cell(std::string& out, const TableColumn& column, const std::string& text) {
  std::size_t width = display_width(text);
  std::string blanks(column.width > width ? column.width - width : 0, ' ');
  out += column.right ? blanks + text : text + blanks;
}

std::string one_line(const std::vector<TableColumn>& columns, const std::vector<std::string>& cells,
                     bool cut) {
  std::string out = "|";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::string cell = i < cells.size() ? cells[i] : "";
    put_cell(out, columns[i], cut ? cut_to_width(cell, columns[i].width) : cell);
    out += "|";
  }
  return out + "\n";
}

std::string wrapped_lines(const std::vector<TableColumn>& columns,
                          const std::vector<std::string>& cells) {
  std::vector<std::vector<std::string>> wrapped;
  std::size_t height = 1;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    wrapped.push_back(wrap_to_width(i < cells.size() ? cells[i] : "", columns[i].width));
    height = std::max(height, wrapped.back().size());
  }
  std::string out;
  for (std::size_t line = 0; line < height; ++line) {
    std::vector<std::string> parts;
    for (const std::vector<std::string>& cell : wrapped)
      parts.push_back(line < cell.size() ? cell[line] : "");
    out += one_line(columns, parts, false);
  }
  return out;
}

}  // namespace

std::string table_rule(const std::vector<TableColumn>& columns) {
  std::string out = "+";
  for (const TableColumn& column : columns) out += std::string(column.width, '-') + "+";
  return out + "\n";
}

std::string table_head(const std::vector<TableColumn>& columns, Overlong overlong) {
  std::vector<std::string> names;
  for (const TableColumn& column : columns) names.push_back(printable(column.name));
  return table_rule(columns) + table_row(columns, names, overlong) + table_rule(columns);
}

std::string table_row(const std::vector<TableColumn>& columns,
                      const std::vector<std::string>& cells, Overlong overlong) {
  if (overlong == Overlong::wrap) return wrapped_lines(columns, cells);
  return one_line(columns, cells, overlong == Overlong::cut);
}

void fit_columns(std::vector<TableColumn>& columns, std::size_t columns_max) {
  std::size_t total = 1;
  for (const TableColumn& column : columns) total += column.width + 1;
  while (total > columns_max) {
    auto widest = std::max_element(columns.begin(), columns.end(),
                                   [](auto& a, auto& b) { return a.width < b.width; });
    if (widest == columns.end() || widest->width <= kNarrowest) return;
    --widest->width;
    --total;
  }
}

std::string to_text(Table table, std::size_t columns_max, Overlong overlong) {
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    TableColumn& column = table.columns[i];
    column.width = std::max<std::size_t>(1, display_width(column.name));
    for (const std::vector<std::string>& row : table.rows)
      if (i < row.size()) column.width = std::max(column.width, display_width(row[i]));
  }
  if (columns_max > 0) fit_columns(table.columns, columns_max);
  std::string out = table_head(table.columns, overlong);
  for (const std::vector<std::string>& row : table.rows)
    out += table_row(table.columns, row, overlong);
  return out + table_rule(table.columns);
}

}  // namespace penstock::cli
