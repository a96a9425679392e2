// What the console shows of an answer: lines and tables of plain texts. Whoever prints them takes
// control characters out and fits them to the terminal.
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace penstock::session::shows {

struct PageLine {  // "State        RUNNING"
  std::string title, text;
};
struct PageLines {  // the lines of `text` below the title
  std::string title, text;
};
struct PageTable {
  struct Head {
    std::string name;
    bool right = false;  // numbers
  };
  std::vector<Head> heads;
  std::vector<std::vector<std::string>> rows;  // one cell per head
};
struct PageNote {  // a sentence
  std::string text;
};
struct PageGap {};

using Page = std::vector<std::variant<PageLine, PageLines, PageTable, PageNote, PageGap>>;

}  // namespace penstock::session::shows
