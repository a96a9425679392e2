// SHOW TYPES.
#include "session/shows/show.h"

namespace penstock::session::shows {
namespace {

Result<Shown> answer_types(const ShowContext& context, const sql::ShowStatement&) {
  Shown out{.type = "type_list", .members = {}};
  out.members["types"] = OrderedJson::object();
  for (const auto& [name, type] : context.world.catalogue.types())
    out.members["types"][name] = type.type.text();
  return out;
}

}  // namespace

Show show_types() {
  return {.syntax = "SHOW TYPES [EXTENDED]", .answer = answer_types};
}

}  // namespace penstock::session::shows
