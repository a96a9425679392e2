#include "engine/functions/reference.h"

#include <map>
#include <string_view>
#include <vector>

#include "engine/functions/overload.h"
#include "engine/runtime.h"

namespace penstock::engine::functions {
namespace {

std::string_view text_of(ArgKind kind) {
  switch (kind) {
    case ArgKind::boolean:
      return "BOOLEAN";
    case ArgKind::integer:
      return "INTEGER";
    case ArgKind::bigint:
      return "BIGINT";
    case ArgKind::double_:
      return "DOUBLE";
    case ArgKind::decimal:
      return "DECIMAL";
    case ArgKind::string:
      return "STRING";
    case ArgKind::bytes:
      return "BYTES";
    case ArgKind::date:
      return "DATE";
    case ArgKind::time:
      return "TIME";
    case ArgKind::timestamp:
      return "TIMESTAMP";
    case ArgKind::any:
    case ArgKind::same:
      return "T";
  }
  return "";
}

// A type to ask result rules with. T is probed by two types that no function has as its only
// result.
data::Type probe(ArgKind kind, data::TypeKind any) {
  using data::TypeKind;
  switch (kind) {
    case ArgKind::boolean:
      return data::Type(TypeKind::boolean);
    case ArgKind::integer:
      return data::Type(TypeKind::integer);
    case ArgKind::bigint:
      return data::Type(TypeKind::bigint);
    case ArgKind::double_:
      return data::Type(TypeKind::double_);
    case ArgKind::decimal:
      return data::Type::decimal(10, 2).value();
    case ArgKind::string:
      return data::Type(TypeKind::string);
    case ArgKind::bytes:
      return data::Type(TypeKind::bytes);
    case ArgKind::date:
      return data::Type(TypeKind::date);
    case ArgKind::time:
      return data::Type(TypeKind::time);
    case ArgKind::timestamp:
      return data::Type(TypeKind::timestamp);
    case ArgKind::any:
    case ArgKind::same:
      break;
  }
  return data::Type(any);
}

data::Type result_with(const sql::Overload& overload, data::TypeKind any) {
  std::vector<data::Type> types;
  for (ArgKind kind : overload.args) types.push_back(probe(kind, any));
  return overload.result(types);
}

std::string result_text(const sql::Overload& overload) {
  const data::Type result = result_with(overload, data::TypeKind::time);
  if (result != result_with(overload, data::TypeKind::date)) return "T";
  return result.kind() == data::TypeKind::decimal ? "DECIMAL" : result.text();
}

std::string signature(std::string_view name, const sql::Overload& overload) {
  std::string text(name);
  text += '(';
  for (std::size_t i = 0; i < overload.args.size(); ++i) {
    if (i != 0) text += ", ";
    text += text_of(overload.args[i]);
  }
  if (overload.variadic) text += ", ...";
  return text + ") → " + result_text(overload);
}

void append_function(std::string& page, const sql::ScalarFunction& function) {
  page += "### " + std::string(function.name) + "\n\n" + std::string(function.help) + "\n\n```\n";
  for (const sql::Overload& overload : function.overloads)
    page += signature(function.name, overload) + "\n";
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
    "- T is any type but ARRAY, MAP and STRUCT, the same in all places of a signature.\n"
    "- Lengths and positions of strings count UTF-16 units, those of bytes count bytes.\n"
    "- A value that cannot be computed (a division by zero, a cast of a malformed text, a decimal "
    "that\n"
    "  overflows, a text above 1 MiB) sends its record to the query's dead-letter topic.\n\n";

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
