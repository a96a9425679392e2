// Pages of session/shows as a terminal shows them.
#pragma once

#include <string>

#include "cli/console/table.h"
#include "session/shows/page.h"

namespace penstock::cli {

struct TextStyle {
  std::size_t columns_max = 0;  // of the terminal; 0: none
  Overlong overlong = Overlong::cut;
};

// Ends with a newline unless the page is empty. What could steer the terminal is taken out.
std::string page_text(const session::shows::Page& page, const TextStyle& style);

}  // namespace penstock::cli
