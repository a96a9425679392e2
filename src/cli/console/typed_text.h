// What has been typed so far: is it a whole statement, and of which kind?
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::cli {

// Whether the last thing outside strings, quoted names and comments is a semicolon.
bool ends_statement(std::string_view text);

// Words outside quotes, upper-cased; quoted ones as they are without their quotes ('' is one '). At
// most `most` of them. Comments and semicolons are left out.
struct Word {
  std::string text;
  bool quoted = false;
};
std::vector<Word> first_words(std::string_view text, std::size_t most);

}  // namespace penstock::cli
