// DESCRIBE STREAMS, DESCRIBE TABLES.
#include "session/shows/show.h"
#include "session/shows/source_description.h"
#include "session/shows/source_page.h"

namespace penstock::session::shows {
namespace {

Result<Shown> answer_every_source(const ShowContext& context, const sql::ShowStatement& statement) {
  Shown out{.type = "source_descriptions", .members = {}};
  OrderedJson& list = out.members["sourceDescriptions"] = OrderedJson::array();
  for (const auto& [name, source] : context.world.catalogue.streams()) {
    if (source.is_table() != statement.has("TABLES")) continue;
    list.push_back(to_shape(TRY(described(context, source, statement.has("EXTENDED")))));
  }
  return out;
}

Page every_source_page(const OrderedJson& entity) {
  Page page;
  for (const OrderedJson& source : member(entity, "sourceDescriptions")) {
    if (!page.empty()) page.emplace_back(PageGap{});
    append_source(page, source);
  }
  return page;
}

}  // namespace

Show describe_sources() {
  return {.syntax = "DESCRIBE STREAMS|TABLES [EXTENDED]",
          .answer = answer_every_source,
          .layouts = {{.type = "source_descriptions", .page = every_source_page}}};
}

}  // namespace penstock::session::shows
