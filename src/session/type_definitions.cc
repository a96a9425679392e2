// ALTER STREAM and TABLE, CREATE and DROP TYPE.
#include <fmt/format.h>

#include "session/definition_steps.h"

namespace penstock::session {

// The source is declared anew, by a statement that has the added columns in its list.
Result<CommandResult> alter_source(const DefinitionContext& context, sql::AlterSource& alter) {
  sql::StreamInfo& source = alter.source;
  TRY(context.effects.record({{.kind = Accepted::Kind::create,
                               .name = source.name,
                               .query_id = {},
                               .statement = source.statement,
                               .properties = context.properties,
                               .origin = context.origin}}));
  CommandResult result{.command_id = source_command(source, "alter"),
                       .message = fmt::format("{} altered", source.is_table() ? "Table" : "Stream"),
                       .query_id = {},
                       .sequence = accept(context)};
  context.world.stream_origins[source.name] = context.origin;
  context.world.catalogue.put(std::move(source));
  return result;
}

Result<CommandResult> create_type(const DefinitionContext& context, const std::string& text,
                                  const sql::CreateType& create) {
  CommandResult result{
      .command_id = fmt::format("type/`{}`/create", create.name),
      .message = fmt::format("Registered custom type with name '{}' and SQL type {}", create.name,
                             create.type.text()),
      .query_id = {}};
  const bool there = context.world.catalogue.find_type(create.name) != nullptr;
  if (there && context.replayed == nullptr) {  // only IF NOT EXISTS comes here
    result.message = fmt::format("Cannot add type `{}`: it exists already.", create.name);
    result.warning = true;
    return result;
  }
  TRY(context.effects.record({{.kind = Accepted::Kind::create_type,
                               .name = create.name,
                               .query_id = {},
                               .statement = text,
                               .origin = context.origin}}));
  context.world.catalogue.put_type(create.name, {create.type, text, context.origin});
  result.sequence = accept(context);
  return result;
}

// Columns keep what the type was when they were declared.
Result<CommandResult> drop_type(const DefinitionContext& context, const std::string& text,
                                const sql::DropType& drop) {
  CommandResult result{.command_id = fmt::format("type/`{}`/drop", drop.name),
                       .message = fmt::format("Dropped type '{}'", drop.name),
                       .query_id = {}};
  if (context.world.catalogue.find_type(drop.name) == nullptr) {
    result.message = fmt::format("Type {} does not exist.", drop.name);
    result.warning = true;
    if (drop.if_exists || context.replayed != nullptr || context.repeated) return result;
    return fail(ErrorCode::not_found, result.message + " SHOW TYPES lists them.");
  }
  TRY(context.effects.record({{.kind = Accepted::Kind::drop_type,
                               .name = drop.name,
                               .query_id = {},
                               .statement = text,
                               .origin = context.origin}}));
  context.world.catalogue.erase_type(drop.name);
  result.sequence = accept(context);
  return result;
}

}  // namespace penstock::session
