// Text for people, broken at spaces.
#pragma once

#include <string>
#include <string_view>

namespace penstock::cli {

// Columns that reports are wrapped to: of the terminal, kReportColumns when it is none.
std::size_t report_columns();

// `label` in a column of its own, then the words of `text`, wrapped to `columns` with the label's
// width as indent; each line ends with a newline. A word that is longer than a line stays whole, so
// that digests can be copied. Control characters are made visible.
struct Hanging {
  std::size_t indent = 0;       // in front of the label
  std::size_t label_width = 0;  // of the label with the space behind it
};
std::string paragraph(std::string_view label, std::string_view text, Hanging hanging,
                      std::size_t columns);
std::string paragraph(std::string_view text, std::size_t columns);  // without a label

// 2026-05-17 09:08:07.006Z
std::string moment_text(std::int64_t time_ms);

}  // namespace penstock::cli
