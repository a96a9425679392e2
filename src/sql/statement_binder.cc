#include "sql/statement_binder.h"

#include <fmt/format.h>

#include "sql/nearest.h"

namespace penstock::sql {

Parsed<Statement> StatementBinder::bind(ast::Statement& statement, std::string_view text) {
  statement_text_ = std::string(text);
  Node node = TRY(std::visit([&](auto& written) { return bind_node(written); }, statement.node));
  return Statement{std::string(text), std::move(node)};
}

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::Query& query) {
  const StreamInfo* source = TRY(find_stream(context_, query.source));
  QueryPlanner planner(context_, query, *source);
  return SelectQuery{.plan = TRY(planner.plan_push()), .emit_changes = query.emit_changes};
}

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::DropStream& drop) {
  if (!drop.if_exists) TRY(find_stream(context_, drop.name));
  return DropStream{drop.name.text, drop.if_exists, drop.delete_topic};
}

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::Describe& describe) {
  if (!describe.function) {
    TRY(find_stream(context_, describe.name));
    return DescribeStatement{DescribeStatement::What::stream, describe.name.text,
                             describe.extended};
  }
  const std::string& name = describe.name.text;
  const bool known = !name.starts_with('$') && context_.functions.find(name) != nullptr;
  if (known) return DescribeStatement{DescribeStatement::What::function, name, false};
  std::vector<std::string_view> names;
  for (const ScalarFunction& function : context_.functions.all()) {
    if (!function.name.starts_with('$')) names.push_back(function.name);
  }
  const std::string hint = did_you_mean(name, std::span<const std::string_view>(names));
  return problem(describe.name.span,
                 fmt::format("Function '{}' is not known.{}", name,
                             hint.empty() ? " SHOW FUNCTIONS lists them." : hint));
}

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::Explain& explain) {
  if (explain.query_id) return ExplainStatement{explain.query_id->text, nullptr};
  StatementBinder inner(context_);
  Statement statement =
      TRY(inner.bind(*explain.statement, text_of(explain.statement_span, context_.text)));
  return ExplainStatement{std::nullopt, std::make_unique<Statement>(std::move(statement))};
}

Parsed<void> check_no_loop(const StreamInfo& source, const StreamInfo& sink, SourceSpan span) {
  if (source.topic != sink.topic) return {};
  return problem(
      span, fmt::format("This query would read what it writes: {} and {} share the topic '{}'.",
                        source.name, sink.name, sink.topic));
}

}  // namespace penstock::sql
