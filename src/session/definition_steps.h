// What definitions.cc and query_definitions.cc share. Private to session.
#pragma once

#include <string>
#include <string_view>

#include "session/definitions.h"
#include "sql/statement.h"

namespace penstock::session {

// "stream/`S`/create", "table/`T`/drop"
std::string source_command(const sql::StreamInfo& source, std::string_view action);
std::string_view kind_word(const sql::StreamInfo& source);  // "stream", "table"
bool same_text(std::string_view a, std::string_view b);

// Counts an accepted statement; its number.
std::int64_t accept(const DefinitionContext& context);

// An IF NOT EXISTS that hit.
CommandResult cannot_add(const sql::StreamInfo& added, const sql::StreamInfo& there);
Error exists_already(const DefinitionContext& context, const sql::StreamInfo& there,
                     std::string_view text);
Result<> check_room(const DefinitionContext& context);
// The same definition has come otherwise, and is this file's now.
bool is_adopted(const DefinitionContext& context, Origin there);

Result<CommandResult> create_stream_as(const DefinitionContext& context, const std::string& text,
                                       sql::CreateStreamAs& create);
Result<CommandResult> insert_select(const DefinitionContext& context, const std::string& text,
                                    sql::InsertSelect& insert);
Result<CommandResult> terminate(const DefinitionContext& context, const std::string& text,
                                const sql::TerminateStatement& terminate);

// type_definitions.cc
Result<CommandResult> alter_source(const DefinitionContext& context, sql::AlterSource& alter);
Result<CommandResult> create_type(const DefinitionContext& context, const std::string& text,
                                  const sql::CreateType& create);
Result<CommandResult> drop_type(const DefinitionContext& context, const std::string& text,
                                const sql::DropType& drop);

Result<CommandResult> pause(const DefinitionContext& context, const std::string& text,
                            const sql::PauseStatement& pause);

// The query of the CREATE ... AS that made a stream or table; null: there is none.
const PersistentQuery* creator_of(const World& world, std::string_view name);

// The record that a query ends.
Result<Accepted> end_of(const PersistentQuery& query, const std::string& text,
                        const DefinitionContext& context);

// Ends a query whose end is recorded. An error: its positions are not forgotten yet.
Result<> stop(const DefinitionContext& context, const std::string& id);

// The partitions of what a plan reads: the tasks of its query. 0: the topic is gone.
Result<std::int32_t> tasks_of(const sql::PlanNode& plan, Effects& effects);

}  // namespace penstock::session
