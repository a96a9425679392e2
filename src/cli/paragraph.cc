#include "cli/paragraph.h"

#include <algorithm>

#include "cli/console/cell_text.h"
#include "cli/limits.h"
#include "cli/terminal.h"
#include "data/time_text.h"

namespace penstock::cli {

std::size_t report_columns() {
  return std::max(terminal_columns(kReportColumns), kReportColumnsMin);
}

std::string paragraph(std::string_view label, std::string_view text, Hanging hanging,
                      std::size_t columns) {
  const std::string clean = printable(text);
  const std::size_t margin = hanging.indent + hanging.label_width;
  std::string out = std::string(hanging.indent, ' ') + printable(label);
  const std::size_t label_ends = hanging.indent + display_width(label);
  if (label_ends < margin) out.append(margin - label_ends, ' ');
  std::size_t at = std::max(margin, label_ends);
  bool first = true;
  std::string_view left = clean;
  while (!left.empty()) {
    std::size_t end = std::min(left.find(' '), left.size());
    std::string_view word = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    if (word.empty()) continue;
    std::size_t width = display_width(word);
    if (!first && at + 1 + width > columns) {
      out += "\n" + std::string(margin, ' ');
      at = margin;
      first = true;
    }
    if (!first) out.push_back(' ');
    at += width + (first ? 0 : 1);
    out += word;
    first = false;
  }
  while (out.ends_with(' ')) out.pop_back();
  return out + "\n";
}

std::string paragraph(std::string_view text, std::size_t columns) {
  return paragraph("", text, {}, columns);
}

std::string moment_text(std::int64_t time_ms) {
  std::string text = data::timestamp_text(time_ms);
  std::ranges::replace(text, 'T', ' ');
  return text + "Z";
}

}  // namespace penstock::cli
