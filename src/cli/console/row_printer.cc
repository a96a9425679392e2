#include "cli/console/row_printer.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"
#include "cli/console/cell_text.h"

namespace penstock::cli {
namespace {

struct TypeLook {
  std::string_view prefix;
  std::size_t width;
  bool right;
};
// What values of a type usually need.
constexpr TypeLook kLooks[] = {
    {"BOOLEAN", 5, false}, {"INTEGER", 11, true},    {"BIGINT", 14, true}, {"DOUBLE", 12, true},
    {"DECIMAL", 14, true}, {"TIMESTAMP", 23, false}, {"DATE", 10, false},  {"TIME", 12, false},
};
constexpr TypeLook kOtherLook{"", 20, false};

TypeLook look_of(std::string_view type) {
  for (const TypeLook& look : kLooks)
    if (type == look.prefix || type.starts_with(std::string(look.prefix) + "(")) return look;
  return kOtherLook;
}

// What is left of the line goes to the columns of text.
void widen(std::vector<TableColumn>& columns, std::size_t columns_max) {
  std::size_t total = 1, texts = 0;
  for (const TableColumn& column : columns) {
    total += column.width + 1;
    texts += column.width == kOtherLook.width && !column.right ? 1 : 0;
  }
  if (texts == 0 || total >= columns_max) return;
  std::size_t more = std::min<std::size_t>((columns_max - total) / texts, 40);
  for (TableColumn& column : columns)
    if (column.width == kOtherLook.width && !column.right) column.width += more;
}

}  // namespace

Result<> RowPrinter::head(const std::vector<Head>& columns) {
  columns_.clear();
  for (const Head& column : columns) {
    TypeLook look = look_of(column.type);
    columns_.push_back(
        {column.name, look.right, std::max(look.width, display_width(printable(column.name)))});
  }
  if (form_ == Form::json) return {};
  if (columns_max_ > 0) {
    widen(columns_, columns_max_);
    fit_columns(columns_, columns_max_);
  }
  TRY(output_.write(table_head(columns_, overlong_)));
  return output_.flush();
}

Result<> RowPrinter::row(const std::vector<std::string>& cells) {
  ++rows_;
  if (form_ == Form::json) {
    std::string line = "{";
    for (std::size_t i = 0; i < cells.size() && i < columns_.size(); ++i) {
      if (i > 0) line += ",";
      line += Json(columns_[i].name).dump() + ":" + cells[i];
    }
    return output_.line(line + "}");
  }
  std::vector<std::string> texts;
  for (const std::string& cell : cells) texts.push_back(cell_from_json(cell));
  return output_.write(table_row(columns_, texts, overlong_));
}

Result<> RowPrinter::text(std::string_view line) {
  return output_.line(printable(line));
}

Result<> RowPrinter::skipped(std::string_view text) {
  if (skipped_.empty()) {
    TRY(output_.flush());
    note("records are being left out; how many is said in the end");
  }
  skipped_ = printable(text);
  return {};
}

Result<> RowPrinter::finish() {
  if (form_ == Form::table && !columns_.empty()) TRY(output_.write(table_rule(columns_)));
  TRY(output_.flush());
  if (!skipped_.empty()) note(fmt::format("{} row{}; {}", rows_, rows_ == 1 ? "" : "s", skipped_));
  return {};
}

}  // namespace penstock::cli
