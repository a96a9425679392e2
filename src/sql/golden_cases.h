// Cases as data: a statement and what is expected of it. For tests only.
//
// A file is comment lines (#), then blocks: the statement, a line "=>", the expected text, a blank
// line or the end. With PENSTOCK_UPDATE_GOLDEN=1 in the environment the tests rewrite the expected
// texts instead of comparing; read the difference before keeping it.
#pragma once

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::sql {

struct GoldenCase {
  std::string comment;  // lines in front, kept when the file is rewritten
  std::string statement;
  std::string expected;
};

inline std::vector<GoldenCase> read_golden(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << "cannot open " << path;
  std::vector<GoldenCase> cases;
  GoldenCase open;
  bool in_expected = false;
  std::string line;
  const auto close = [&] {
    if (!open.statement.empty()) cases.push_back(open);
    open = {};
    in_expected = false;
  };
  while (std::getline(file, line)) {
    if (line.empty()) {
      if (open.statement.empty() && !open.comment.empty())
        open.comment += '\n';
      else
        close();
    } else if (!in_expected && open.statement.empty() && line[0] == '#') {
      open.comment += line + '\n';
    } else if (!in_expected && line == "=>") {
      in_expected = true;
    } else {
      std::string& text = in_expected ? open.expected : open.statement;
      text += (text.empty() ? "" : "\n") + line;
    }
  }
  close();
  return cases;
}

// Compares, or rewrites the file.
inline void check_golden(const std::string& path,
                         const std::function<std::string(const std::string&)>& actual) {
  std::vector<GoldenCase> cases = read_golden(path);
  const char* update = std::getenv("PENSTOCK_UPDATE_GOLDEN");
  const bool rewrite = update != nullptr && std::string(update) == "1";
  std::ostringstream rewritten;
  for (const GoldenCase& one : cases) {
    const std::string seen = actual(one.statement);
    if (!rewrite) {
      EXPECT_EQ(seen, one.expected) << "for: " << one.statement;
    }
    rewritten << one.comment << one.statement << "\n=>\n" << seen << "\n\n";
  }
  EXPECT_GT(cases.size(), 0U) << path;
  if (rewrite) std::ofstream(path) << rewritten.str();
}

}  // namespace penstock::sql
