// Lexical rules of RFC 8259 below the structure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace penstock::format {

// Whether the text is a JSON number: -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
bool is_json_number(std::string_view text);

// Undoes a string's escapes. `out` has room for text.size() bytes and may be nullptr to check only.
// Size of the result; nullopt for an escape that does not exist or a surrogate without its other
// half.
std::optional<std::size_t> unescape_json(std::string_view text, char* out);

}  // namespace penstock::format
