// Statements as written to what session executes. Private to sql.
#pragma once

#include "sql/ast.h"
#include "sql/query_planner.h"
#include "sql/statement.h"

namespace penstock::sql {

class StatementBinder {
 public:
  explicit StatementBinder(const BindContext& context) : context_(context) {}

  Parsed<Statement> bind(ast::Statement& statement, std::string_view text);

 private:
  using Node = decltype(Statement::node);

  // bind_create.cc
  Parsed<Node> bind_node(ast::CreateSource& create);
  Parsed<Node> create_plain(const ast::CreateSource& create);
  Parsed<Node> create_from_query(const ast::CreateSource& create);
  Parsed<Node> bind_node(ast::AlterSource& alter);
  Parsed<Node> bind_node(ast::Show& show);  // bind_show.cc
  // bind_insert.cc
  Parsed<Node> bind_node(ast::InsertSelect& insert);
  Parsed<Node> bind_node(ast::InsertValues& insert);
  // statement_binder.cc
  Parsed<Node> bind_node(ast::Query& query);
  Parsed<Node> bind_node(ast::DropSource& drop);
  Parsed<Node> bind_node(ast::CreateType& create);
  Parsed<Node> bind_node(ast::Explain& explain);
  Parsed<Node> bind_node(ast::AssertTopic& assertion);
  Parsed<Node> bind_node(ast::CreateConnector& create);  // bind_connector.cc
  Parsed<Node> bind_node(NotYet& statement);
  template <typename Ready>
  Parsed<Node> bind_node(Ready& statement) {
    return Node(std::move(statement));
  }

  const BindContext& context_;
  std::string statement_text_;
};

// A query that would read what it writes never ends.
Parsed<void> check_no_loop(const SourceInfo& source, const SourceInfo& sink, SourceSpan span);

}  // namespace penstock::sql
