#include "cli/console/page_text.h"

#include <fmt/format.h>

#include "cli/console/cell_text.h"

namespace penstock::cli {
namespace {

namespace shows = session::shows;

std::string lines_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t n = text.find('\n');
    out += "  " + printable(text.substr(0, n)) + "\n";
    text = n == std::string_view::npos ? "" : text.substr(n + 1);
  }
  return out;
}

struct PartText {
  const TextStyle& style;

  std::string operator()(const shows::PageLine& line) const {
    return fmt::format("{:<12} {}\n", printable(line.title), printable(line.text));
  }
  std::string operator()(const shows::PageLines& lines) const {
    return fmt::format("{:<12}\n{}", printable(lines.title), lines_text(lines.text));
  }
  std::string operator()(const shows::PageTable& shown) const {
    Table table;
    for (const shows::PageTable::Head& head : shown.heads)
      table.columns.push_back({.name = head.name, .right = head.right});
    for (const auto& row : shown.rows) {
      auto& cells = table.rows.emplace_back();
      for (const std::string& text : row) cells.push_back(printable(text));
    }
    return to_text(std::move(table), style.columns_max, style.overlong);
  }
  std::string operator()(const shows::PageNote& note) const { return printable(note.text) + "\n"; }
  std::string operator()(const shows::PageGap&) const { return "\n"; }
};

}  // namespace

std::string page_text(const session::shows::Page& page, const TextStyle& style) {
  std::string out;
  for (const auto& part : page) out += std::visit(PartText{style}, part);
  return out;
}

}  // namespace penstock::cli
