// Statements compared as texts.
#pragma once

#include <string>
#include <string_view>

namespace penstock::session {

// The statement without comments, outer white space and semicolon; inner white space outside quotes
// is one space. Two statements with the same canonical text are the same statement.
std::string canonical_text(std::string_view statement);

// 16 hex digits (FNV-1a): for names, no protection against whoever can choose the text.
std::string text_hash(std::string_view text);

}  // namespace penstock::session
