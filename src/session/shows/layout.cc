#include "session/shows/layout.h"

namespace penstock::session::shows {

Page TableOf::operator()(const OrderedJson& entity) const {
  PageTable table;
  for (const Column& column : columns)
    table.heads.push_back({.name = std::string(column.title), .right = column.right});
  for (const OrderedJson& row : member(entity, rows)) {
    auto& cells = table.rows.emplace_back();
    for (const Column& column : columns) cells.push_back(column.text(row, column.member));
  }
  const bool noted = !note.empty() && !table.rows.empty();
  Page page;
  page.emplace_back(std::move(table));
  if (noted) page.emplace_back(PageNote{std::string(note)});
  return page;
}

}  // namespace penstock::session::shows
