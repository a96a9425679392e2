// DESCRIBE of a stream or table.
#include <fmt/format.h>

#include "session/shows/show.h"
#include "session/shows/source_description.h"
#include "session/shows/source_page.h"

namespace penstock::session::shows {
namespace {

Result<Shown> answer_source(const ShowContext& context, const sql::ShowStatement& statement) {
  const sql::SourceInfo* source = context.world.catalogue.find(statement.name);
  if (source == nullptr) {
    return fail(ErrorCode::not_found,
                fmt::format("Could not find STREAM/TABLE '{}' in the Metastore. SHOW STREAMS lists "
                            "what is there.",
                            statement.name));
  }
  Shown out{.type = "sourceDescription", .members = {}};
  out.members["sourceDescription"] =
      to_shape(TRY(described(context, *source, statement.has("EXTENDED"))));
  return out;
}

Page source_page(const OrderedJson& entity) {
  Page page;
  append_source(page, member(entity, "sourceDescription"));
  return page;
}

}  // namespace

// Behind those with a word where this has the name.
Show describe_source() {
  return {.syntax = "DESCRIBE <source> [EXTENDED]",
          .answer = answer_source,
          .layouts = {{.type = "sourceDescription", .page = source_page}}};
}

}  // namespace penstock::session::shows
