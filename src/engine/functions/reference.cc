#include "engine/functions/reference.h"

#include <map>
#include <string_view>
#include <vector>

#include "engine/functions/overload.h"
#include "engine/runtime.h"

namespace penstock::engine::functions {
namespace {

// "NAME(ARGUMENTS) → RESULT"
std::string signature(const sql::Overload& overload) {
  std::string text = overload.signature.text();
  const std::size_t arrow = text.rfind(" -> ");
  return text.substr(0, arrow) + " → " + text.substr(arrow + 4) +
         (overload.kernel == nullptr && overload.aggregate == nullptr ? "  (not yet)" : "");
}

void append_function(std::string& page, const sql::ScalarFunction& function) {
  page += "### " + std::string(function.name) + "\n\n" + std::string(function.help) + "\n\n```\n";
  for (const sql::Overload& overload : function.overloads) page += signature(overload) + "\n";
  page += "```\n\n";
  for (const sql::FunctionExample& example : function.examples)
    page +=
        "- `" + std::string(example.expression) + "` is `" + std::string(example.result) + "`\n";
  page += "\n";
}

constexpr std::string_view kIntroduction =
    "# Functions\n\n"
    "Made from the list of functions that the engine runs; the examples are its tests.\n\n"
    "- An INTEGER is taken where a BIGINT, DECIMAL or DOUBLE is wanted, and so on in this order.\n"
    "- The result is NULL when an argument is, unless the description says otherwise.\n"
    "- T, R, K, V and S stand for any type, the same in all places of a signature; (K, V) => R is "
    "a "
    "lambda;\n  UNIT is a bare word: DAYS, HOURS, ...\n"
    "- Lengths and positions of strings count UTF-16 units, those of bytes count bytes.\n"
    "- A value that cannot be computed (a division by zero, a cast of a malformed text, a decimal "
    "that\n"
    "  overflows, a text above 1 MiB) makes its whole column NULL, whatever stands around it; WITH "
    "(ON_ERROR=...)\n"
    "  of the result says otherwise. Masks never do: the record goes to the query's dead-letter "
    "topic.\n\n";

}  // namespace

std::string functions_markdown() {
  std::map<std::string_view, std::vector<const sql::ScalarFunction*>> by_category;
  for (const sql::ScalarFunction& function : builtin_functions().all())
    if (!function.name.starts_with('$')) by_category[function.category].push_back(&function);
  std::string page(kIntroduction);
  for (const auto& [category, functions] : by_category) {
    page += "## " + std::string(category) + "\n\n";
    for (const sql::ScalarFunction* function : functions) append_function(page, *function);
  }
  page.pop_back();
  return page;
}

}  // namespace penstock::engine::functions
