#include "session/reset_positions.h"

#include <fmt/format.h>

#include "session/query_ids.h"
#include "session/statement_text.h"

namespace penstock::session {
namespace {

engine::ResetTo target_of(const sql::ResetPositions& reset) {
  if (reset.to == sql::ResetPositions::To::earliest) return engine::StartAt::earliest;
  if (reset.to == sql::ResetPositions::To::latest) return engine::StartAt::latest;
  std::map<std::int32_t, topics::Offset> offsets;
  for (const auto& [partition, offset] : reset.offsets) offsets.emplace(partition, offset);
  return offsets;
}

std::string_view where_to(const sql::ResetPositions& reset) {
  switch (reset.to) {
    case sql::ResetPositions::To::earliest:
      return "the earliest record of each partition";
    case sql::ResetPositions::To::latest:
      return "the end of each partition";
    case sql::ResetPositions::To::offsets:
      break;
  }
  return "the offsets given; other partitions stay where they are";
}

}  // namespace

Result<CommandResult> reset_positions(const DefinitionContext& context, const std::string& text,
                                      const sql::ResetPositions& reset) {
  const std::string command = fmt::format("query/{}/reset", reset.query_id);
  if (context.repeated) {  // it was done when the proof came, and is not done again
    return CommandResult{.command_id = command,
                         .message = "The positions were reset before.",
                         .query_id = {},
                         .warning = true};
  }
  const bool measured = context.options.catalogue == SessionOptions::CatalogueFrom::measured;
  if (context.topics_later && measured) {
    return fail(
        ErrorCode::failed_precondition,
        "ALTER QUERY ... RESET POSITIONS stands in a measured configuration, where the host "
        "could have it carried out again. Take it out, and sign it with one of the "
        "configuration's statement_keys: penstock sql --sign KEY");
  }
  const PersistentQuery* query = find_query(context.world, reset.query_id);
  if (query == nullptr) {
    return fail(
        ErrorCode::not_found,
        fmt::format("Unknown queryId: {}. SHOW QUERIES lists those that run.", reset.query_id));
  }
  TRY(context.effects.record(
      {{.kind = Accepted::Kind::reset,
        .name = {},
        .query_id = query->id,
        .statement = text,
        .properties = context.properties,
        .origin = context.origin,
        .key =
            context.rows == nullptr ? std::string() : context.rows->next(canonical_text(text))}}));
  TRY(context.effects.reset_query(query->id, target_of(reset)));
  return CommandResult{
      .command_id = fmt::format("query/{}/reset", query->id),
      .message = fmt::format("Query {} goes on at {}. Its state and its record of sealed sequences "
                             "are forgotten. Records that it has processed before count again: "
                             "what it made of them is made a second time.",
                             query->id, where_to(reset)),
      .query_id = query->id,
      .sequence = context.world.next_sequence++};
}

}  // namespace penstock::session
