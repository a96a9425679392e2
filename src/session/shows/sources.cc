// SHOW STREAMS, SHOW TABLES.
#include "session/shows/show.h"
#include "session/shows/source_description.h"

namespace penstock::session::shows {
namespace {

OrderedJson source_row(const sql::SourceInfo& source) {
  OrderedJson row;
  row["type"] = sql::name_of(source.kind);
  row["name"] = source.name;
  row["topic"] = source.topic;
  row["keyFormat"] = sql::name_of(source.key_format);
  row["valueFormat"] = sql::name_of(source.value_format);
  row["isWindowed"] = source.window.has_value();
  return row;
}

Result<Shown> answer_sources(const ShowContext& context, const sql::ShowStatement& statement) {
  const bool tables = statement.has("TABLES");
  const bool extended = statement.has("EXTENDED");
  const std::string list = extended ? "sourceDescriptions" : tables ? "tables" : "streams";
  Shown out{.type = extended ? "source_descriptions" : list, .members = {}};
  out.members[list] = OrderedJson::array();
  for (const auto& [name, source] : context.world.catalogue.streams()) {
    if (source.is_table() != tables) continue;
    out.members[list].push_back(extended ? to_shape({.source = source, .extended = true})
                                         : source_row(source));
  }
  return out;
}

TableOf sources_table(const char* rows) {
  return {.rows = rows,
          .columns = {{.title = "Name", .member = "name"},
                      {.title = "Topic", .member = "topic"},
                      {.title = "Key Format", .member = "keyFormat"},
                      {.title = "Value Format", .member = "valueFormat"}}};
}

}  // namespace

Show show_sources() {
  return {.syntax = "SHOW STREAMS|TABLES [EXTENDED]",
          .answer = answer_sources,
          .layouts = {{.type = "streams", .page = sources_table("streams")},
                      {.type = "tables", .page = sources_table("tables")}}};
}

}  // namespace penstock::session::shows
