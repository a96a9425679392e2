#include "sql/statement_binder.h"

#include <fmt/format.h>

#include "sql/bind_type.h"
#include "sql/stream_settings.h"

namespace penstock::sql {

Parsed<Statement> StatementBinder::bind(ast::Statement& statement, std::string_view text) {
  statement_text_ = std::string(text);
  Node node = TRY(std::visit([&](auto& written) { return bind_node(written); }, statement.node));
  return Statement{std::string(text), std::move(node)};
}

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::Query& query) {
  auto planner = TRY(QueryPlanner::make(context_, query));
  return SelectQuery{.plan = TRY(planner->plan_push()),
                     .emit_changes = query.emit_changes || query.emit_final};
}

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::DropSource& drop) {
  const SourceInfo* there = context_.catalogue.find(drop.name.text);
  if (there == nullptr && !drop.if_exists) TRY(find_source(context_, drop.name));
  if (there != nullptr && there->kind != drop.kind) {
    return problem(drop.name.span,
                   fmt::format("Incompatible data source type is {}, but statement was DROP {}.",
                               name_of(there->kind), name_of(drop.kind)));
  }
  if (there != nullptr && there->read_only && drop.delete_topic) {
    return problem(drop.name.span,
                   fmt::format("Cannot delete topic for read-only source: {}.", drop.name.text));
  }
  return DropStream{drop.name.text, drop.if_exists, drop.delete_topic, drop.kind};
}

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::CreateType& create) {
  if (!create.if_not_exists && context_.catalogue.find_type(create.name.text) != nullptr) {
    return problem(create.name.span,
                   fmt::format("Cannot register custom type '{}' since it is already registered.",
                               create.name.text));
  }
  return CreateType{.name = create.name.text,
                    .type = TRY(bind_type(create.type, &context_.catalogue)),
                    .if_not_exists = create.if_not_exists};
}

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::Explain& explain) {
  if (explain.query_id) return ExplainStatement{explain.query_id->text, nullptr};
  StatementBinder inner(context_);
  Statement statement =
      TRY(inner.bind(*explain.statement, text_of(explain.statement_span, context_.text)));
  return ExplainStatement{std::nullopt, std::make_unique<Statement>(std::move(statement))};
}

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::AssertTopic& assertion) {
  if (!is_topic_name(assertion.topic))
    return problem(assertion.topic_span,
                   "This is not a topic name; expected 1 to 249 of A-Z a-z 0-9 . _ and -.");
  AssertTopic out;
  out.topic = assertion.topic;
  out.exists = assertion.exists;
  out.timeout_ms = assertion.timeout_ms;
  for (const ast::Property& property : assertion.properties) {
    const auto* number = std::get_if<std::int32_t>(&property.value.value);
    if (number == nullptr)
      return problem(property.value_span,
                     fmt::format("{} takes a whole number.", property.name.text));
    if (property.name.text == "PARTITIONS") {
      out.partitions = *number;
    } else if (property.name.text == "REPLICAS") {
      out.replicas = *number;
    } else {
      return problem(property.name.span,
                     fmt::format("Property '{}' is not known here; ASSERT TOPIC takes PARTITIONS "
                                 "and REPLICAS.",
                                 property.name.text));
    }
  }
  return out;
}

Parsed<StatementBinder::Node> StatementBinder::bind_node(NotYet& statement) {
  return not_yet({}, fmt::format("{} is not supported yet.", statement.what));
}

Parsed<void> check_no_loop(const SourceInfo& source, const SourceInfo& sink, SourceSpan span) {
  if (source.topic != sink.topic) return {};
  return problem(
      span, fmt::format("This query would read what it writes: {} and {} share the topic '{}'.",
                        source.name, sink.name, sink.topic));
}

}  // namespace penstock::sql
