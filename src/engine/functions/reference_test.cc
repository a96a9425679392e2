#include "engine/functions/reference.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "base/source_tree.h"
#include "engine/runtime.h"

namespace penstock::engine::functions {
namespace {

TEST(FunctionsReference, NamesEveryFunctionAndNoOperator) {
  const std::string page = functions_markdown();
  for (const sql::ScalarFunction& function : builtin_functions().all()) {
    const std::string heading = "### " + std::string(function.name) + "\n";
    const bool shown = page.find(heading) != std::string::npos;
    EXPECT_EQ(shown, !function.name.starts_with('$')) << function.name;
  }
}

TEST(FunctionsReference, ShowsSignatures) {
  const std::string page = functions_markdown();
  for (const char* line :
       {"\nSUBSTRING(STRING, INTEGER, INTEGER) → STRING\n", "\nPI() → DOUBLE\n",
        "\nCOALESCE(T, T...) → T\n", "\nTRANSFORM(ARRAY<T>, (T) => R) → ARRAY<R>\n",
        "\nABS(DECIMAL) → DECIMAL\n"})
    EXPECT_NE(page.find(line), std::string::npos) << line;
}

TEST(FunctionsReference, IsThePageInTheDocuments) {
  const auto path = source_tree() / "docs/sql/functions.md";
  if (std::getenv("PENSTOCK_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << functions_markdown();
  std::ifstream file(path);
  if (!file) GTEST_SKIP() << "docs/sql/functions.md is not there";
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), functions_markdown())
      << "PENSTOCK_UPDATE_GOLDEN=1 engine_test writes the page again";
}

}  // namespace
}  // namespace penstock::engine::functions
