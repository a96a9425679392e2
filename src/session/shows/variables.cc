// SHOW VARIABLES.
#include "session/shows/show.h"

namespace penstock::session::shows {
namespace {

Result<Shown> answer_variables(const ShowContext& context, const sql::ShowStatement&) {
  Shown out{.type = "variables", .members = {}};
  out.members["variables"] = OrderedJson::array();
  for (const auto& [name, value] : context.variables)
    out.members["variables"].push_back({{"name", name}, {"value", value}});
  return out;
}

}  // namespace

Show show_variables() {
  return {.syntax = "SHOW VARIABLES [EXTENDED]", .answer = answer_variables};
}

}  // namespace penstock::session::shows
