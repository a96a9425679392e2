// SHOW PROPERTIES.
#include "session/properties.h"
#include "session/shows/show.h"

namespace penstock::session::shows {
namespace {

Result<Shown> answer_properties(const ShowContext& context, const sql::ShowStatement&) {
  Shown out{.type = "properties", .members = {}};
  for (const char* list : {"properties", "overwrittenProperties", "defaultProperties"})
    out.members[list] = OrderedJson::array();
  for (const PropertyRow& property : list_properties(context.properties)) {
    OrderedJson row;
    row["name"] = property.name;
    row["scope"] = "KSQL";
    row["value"] = property.value;
    row["editable"] = property.editable;
    row["level"] = property.level;
    out.members["properties"].push_back(std::move(row));
    out.members[property.overwritten ? "overwrittenProperties" : "defaultProperties"].push_back(
        property.name);
  }
  return out;
}

}  // namespace

Show show_properties() {
  return {.syntax = "SHOW PROPERTIES [EXTENDED]",
          .answer = answer_properties,
          .layouts = {{.type = "properties",
                       .page = TableOf{.rows = "properties",
                                       .columns = {{.title = "Property", .member = "name"},
                                                   {.title = "Level", .member = "level"},
                                                   {.title = "Value", .member = "value"}}}}}};
}

}  // namespace penstock::session::shows
