// Where in a statement's text something stands, for errors with line and caret.
#pragma once

#include <cstdint>

namespace penstock::sql {

struct SourceSpan {
  std::uint32_t begin = 0;  // byte offsets into the text that was parsed
  std::uint32_t end = 0;
};

}  // namespace penstock::sql
