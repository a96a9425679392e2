// Tokens to trees: recursive descent, one file per family of statements. Private to sql.
#pragma once

#include <string_view>

#include "sql/ast.h"
#include "sql/diagnostic.h"
#include "sql/token_cursor.h"

namespace penstock::sql {

// The whole text as one statement; `shows` as in prepare_statement.
Parsed<ast::Statement> parse_statement(std::string_view text, ShowSyntaxes shows = {});

// The rules below stand at their first token and leave the cursor behind their last one.
Parsed<ast::Statement> parse_any_statement(TokenCursor& cursor,
                                           ShowSyntaxes shows);  // parse_statement.cc
Parsed<ast::Statement> parse_create(TokenCursor& cursor);        // parse_create.cc
Parsed<ast::Statement> parse_drop(TokenCursor& cursor);
Parsed<ast::Statement> parse_insert(TokenCursor& cursor);                // parse_insert.cc
Parsed<ast::Query> parse_query(TokenCursor& cursor);                     // parse_query.cc
Parsed<ast::Properties> parse_properties(TokenCursor& cursor);           // behind WITH
Parsed<ast::ExpressionPtr> parse_expression(TokenCursor& cursor);        // parse_expression.cc
Parsed<ast::Literal> parse_literal(TokenCursor& cursor, bool negative);  // parse_literal.cc
Parsed<ast::TypeName> parse_type(TokenCursor& cursor);                   // parse_type.cc
Parsed<std::int64_t> parse_duration(
    TokenCursor& cursor);                  // 5 SECONDS, in milliseconds: parse_duration.cc
bool is_time_unit(std::string_view word);  // upper case: MINUTE, MINUTES
Parsed<ast::Window> parse_window(TokenCursor& cursor);  // behind WINDOW: parse_window.cc
Parsed<ast::Join> parse_join(TokenCursor& cursor);      // parse_join.cc
bool at_join(const TokenCursor& cursor);
Parsed<ast::Source> parse_source(TokenCursor& cursor);  // name [AS alias]: parse_query.cc
// Column definitions in parentheses, or none: parse_columns.cc
Parsed<std::vector<ast::ColumnDefinition>> parse_columns(TokenCursor& cursor);
Parsed<ast::ColumnDefinition> parse_column(TokenCursor& cursor);

Parsed<ast::Statement> parse_alter(TokenCursor& cursor);        // parse_alter.cc
Parsed<ast::Statement> parse_assert(TokenCursor& cursor);       // parse_assert.cc
Parsed<ast::Statement> parse_define(TokenCursor& cursor);       // parse_define.cc: and UNDEFINE
Parsed<ast::Statement> parse_create_type(TokenCursor& cursor);  // parse_custom_type.cc
Parsed<ast::Statement> parse_drop_type(TokenCursor& cursor);
Parsed<ast::Statement> parse_create_connector(TokenCursor& cursor,
                                              std::string_view kind);  // parse_connector.cc
Parsed<ast::Statement> parse_drop_connector(TokenCursor& cursor);

// SHOW, LIST, DESCRIBE: parse_show.cc
Parsed<ast::Statement> parse_show(TokenCursor& cursor, ShowSyntaxes shows);

// EXPLAIN, TERMINATE, PAUSE, RESUME, SET, UNSET, PRINT: parse_admin.cc
Parsed<ast::Statement> parse_explain(TokenCursor& cursor);
Parsed<ast::Statement> parse_terminate(TokenCursor& cursor);
Parsed<ast::Statement> parse_pause(TokenCursor& cursor);
Parsed<ast::Statement> parse_set(TokenCursor& cursor);
Parsed<ast::Statement> parse_print(TokenCursor& cursor);

}  // namespace penstock::sql
