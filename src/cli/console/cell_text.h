// Text as a terminal shows it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock::cli {

// Terminal columns that UTF-8 text takes; the locale must be a UTF-8 one.
std::size_t display_width(std::string_view text);

// The text without control characters (\n becomes "\n" in two letters), so that data cannot steer
// the terminal, and cut to kCellBytesMax.
std::string printable(std::string_view text);
// The same for a text of several lines, which stay lines.
std::string printable_lines(std::string_view text);

// At most `width` columns; what is cut off shows as an ellipsis.
std::string cut_to_width(std::string_view text, std::size_t width);

// The text in lines of at most `width` columns.
std::vector<std::string> wrap_to_width(std::string_view text, std::size_t width);

// A cell given as JSON text: a string as it is, anything else as written.
std::string cell_from_json(std::string_view json);

// The elements of a JSON array, each as written; the text must have been checked to be one.
std::vector<std::string> split_array(std::string_view array);

}  // namespace penstock::cli
