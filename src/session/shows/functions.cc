// SHOW FUNCTIONS.
#include "session/shows/show.h"

namespace penstock::session::shows {
namespace {

Result<Shown> answer_functions(const ShowContext&, const sql::ShowStatement&) {
  Shown out{.type = "function_names", .members = {}};
  out.members["functions"] = OrderedJson::array();
  for (const sql::ScalarFunction& function : engine::builtin_functions().all()) {
    if (function.name.starts_with('$')) continue;
    OrderedJson row;
    row["name"] = function.name;
    row["type"] = sql::name_of(function.kind);
    row["category"] = function.category;
    out.members["functions"].push_back(std::move(row));
  }
  return out;
}

}  // namespace

Show show_functions() {
  return {.syntax = "SHOW FUNCTIONS [EXTENDED]",
          .answer = answer_functions,
          .layouts = {{.type = "function_names",
                       .page = TableOf{.rows = "functions",
                                       .columns = {{.title = "Function", .member = "name"},
                                                   {.title = "Type", .member = "type"},
                                                   {.title = "Category", .member = "category"}}}}}};
}

}  // namespace penstock::session::shows
