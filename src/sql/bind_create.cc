// CREATE STREAM and TABLE.
#include <algorithm>

#include <fmt/format.h>

#include "sql/bind_columns.h"
#include "sql/format_rules.h"
#include "sql/name_text.h"
#include "sql/parser.h"
#include "sql/statement_binder.h"
#include "sql/stream_settings.h"

namespace penstock::sql {
namespace {

using data::ColumnRole;

// What the statement says of formats, where each is said or else at the source's name.
FormatPlaces format_places(const StreamSettings& settings, SourceSpan name) {
  const auto place = [&](SourceSpan span) { return span.end == 0 ? name : span; };
  return {place(settings.key_format_span), place(settings.value_format_span)};
}

bool has_keys(const data::Schema& schema) {
  return std::any_of(schema.columns.begin(), schema.columns.end(),
                     [](const auto& column) { return column.role == ColumnRole::key; });
}

// What settings say alike for both forms of CREATE.
SourceInfo described(const ast::CreateSource& create, const StreamSettings& settings) {
  SourceInfo source;
  source.name = create.name.text;
  source.kind = create.kind;
  source.read_only = create.read_only;
  source.seal = settings.seal;
  source.headers = settings.headers;
  source.partitions = settings.partitions;
  source.retention_ms = settings.retention_ms;
  source.timestamp_column = settings.timestamp_column;
  source.timestamp_format = settings.timestamp_format;
  source.on_error = settings.on_error;
  return source;
}

// A table whose records went by age would be another one when it is read again.
Parsed<void> check_retention(const StreamSettings& settings, const SourceInfo& source) {
  if (!settings.retention_ms || source.kind == SourceKind::stream || source.window) return {};
  return problem(settings.retention_span,
                 "Invalid config variable in the WITH clause: RETENTION_MS. Non-windowed tables do "
                 "not support retention.");
}

Parsed<std::string> sink_topic(const ast::Identifier& name, const StreamSettings& settings,
                               const std::string& prefix) {
  if (settings.topic) return *settings.topic;
  std::string topic = prefix + name.text;
  if (is_topic_name(topic)) return topic;
  return problem(name.span, "This name is not a topic name: give the topic by KAFKA_TOPIC='...'.");
}

// The sink's formats: as said, else the source's; a key needs one that can carry it.
Parsed<void> settle_formats(const StreamSettings& settings, const SourceInfo& from,
                            const StatementDefaults& defaults, SourceInfo& sink) {
  const bool keyed = has_keys(sink.schema);
  if (settings.key_format_named && !keyed && *settings.key_format != FormatKind::none) {
    return problem(settings.key_format_span,
                   "Key format specified for stream without key columns.");
  }
  sink.key_format = settings.key_format.value_or(from.key_format);
  if (!settings.key_format && keyed && sink.key_format == FormatKind::none)
    sink.key_format = defaults.key_format;
  if (!keyed) sink.key_format = FormatKind::none;
  sink.value_format = settings.value_format.value_or(from.value_format);
  if (sink.value_format == from.value_format) sink.value_delimiter = from.value_delimiter;
  if (sink.key_format == from.key_format) sink.key_delimiter = from.key_delimiter;
  TRY(apply_delimiters(settings, sink));
  return apply_wrapping(settings, defaults.wrap_single_values, sink);
}

// The statement that would have made the source with the added columns: what is kept of it, so that
// it is one statement whenever it is read again.
Parsed<std::string> with_columns(const SourceInfo& source, const ast::AlterSource& alter,
                                 std::string_view text) {
  const auto made = parse_statement(source.statement);
  const auto* create = made ? std::get_if<ast::CreateSource>(&made->node) : nullptr;
  if (create == nullptr || !create->has_list)
    return problem(alter.name.span, "This was not made by a list of columns.");
  std::string columns;
  for (const ast::ColumnDefinition& column : alter.columns)
    columns += fmt::format(", {}", text_of(column.span, text));
  std::string statement = source.statement;
  statement.insert(create->list_span.end - 1, columns);
  return statement;
}

// CREATE OR REPLACE may add columns at the end; what reads the source goes on with what it has.
Parsed<void> check_replaces(const SourceInfo& there, const SourceInfo& now,
                            const ast::Identifier& name) {
  const auto refuse = [&](std::string_view what) {
    return problem(
        name.span,
        fmt::format("Cannot upgrade data source: {} has another {}. Columns may be added "
                    "at the end, nothing else; DROP it first to make another one.\n  it "
                    "has: {}\n  now:    {}",
                    there.name, what, there.schema.text(), now.schema.text()));
  };
  if (there.topic != now.topic) return refuse("topic");
  if (there.key_format != now.key_format || there.value_format != now.value_format)
    return refuse("format");
  if (there.schema.columns.size() > now.schema.columns.size() ||
      !std::equal(there.schema.columns.begin(), there.schema.columns.end(),
                  now.schema.columns.begin()))
    return refuse("schema, which is not upgradeable to this one");
  return {};
}

}  // namespace

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::CreateSource& create) {
  if (create.or_replace && create.if_not_exists) {
    return problem(create.name.span, "OR REPLACE and IF NOT EXISTS exclude each other.");
  }
  const SourceInfo* there = context_.catalogue.find(create.name.text);
  const bool read_only = create.read_only || (there != nullptr && there->read_only);
  if (create.or_replace && read_only) {
    const std::string_view kind = create.kind == SourceKind::table ? "table" : "stream";
    return problem(create.name.span,
                   fmt::format("Cannot add {} '{}': CREATE OR REPLACE is not supported on source "
                               "{}s.",
                               kind, create.name.text, kind));
  }
  if (create.or_replace && there != nullptr && there->kind != create.kind) {
    return problem(create.name.span,
                   fmt::format("Cannot upgrade data source: {} is a {}, which a {} cannot replace.",
                               name_text(there->name), name_of(there->kind), name_of(create.kind)));
  }
  return create.query ? create_from_query(create) : create_plain(create);
}

Parsed<StatementBinder::Node> StatementBinder::create_plain(const ast::CreateSource& create) {
  const StreamSettings settings = TRY(read_stream_settings(create.properties));
  SourceInfo source = described(create, settings);
  source.statement = statement_text_;
  if (!settings.topic) {
    return problem(create.name.span,
                   "Missing required property \"KAFKA_TOPIC\" which has no default value: add it "
                   "to WITH (...).");
  }
  source.topic = *settings.topic;
  const auto value_format =
      settings.value_format ? settings.value_format : context_.defaults.value_format;
  if (!value_format) {
    return problem(create.name.span,
                   "Statement is missing the 'VALUE_FORMAT' property from the WITH clause. Either "
                   "provide one or set a default via the 'ksql.persistence.default.format.value' "
                   "config. VALUE_FORMAT='JSON', 'DELIMITED' or 'KAFKA', or FORMAT for key and "
                   "value.");
  }
  source.key_format = settings.key_format.value_or(context_.defaults.key_format);
  source.value_format = *value_format;
  if (create.columns.empty() && source.value_format < FormatKind::avro)
    return problem(create.name.span, "The statement does not define any columns.");
  TRY(bind_columns(create, context_.catalogue, source));
  TRY(apply_delimiters(settings, source));
  TRY(apply_window(settings, source));
  TRY(check_retention(settings, source));
  TRY(check_formats(source, format_places(settings, create.name.span)));
  TRY(apply_wrapping(settings, context_.defaults.wrap_single_values, source));
  TRY(check_timestamp(source, settings));
  const SourceInfo* there = context_.catalogue.find(create.name.text);
  if (create.or_replace && there != nullptr) TRY(check_replaces(*there, source, create.name));
  return CreateStream{std::move(source), create.or_replace, create.if_not_exists};
}

Parsed<StatementBinder::Node> StatementBinder::create_from_query(const ast::CreateSource& create) {
  QuerySettings query;
  const StreamSettings settings = TRY(read_stream_settings(create.properties, &query));
  if (settings.window_type || settings.window_size_ms) {
    return problem(settings.window_type ? settings.window_type_span : settings.window_size_span,
                   "WINDOW_TYPE and WINDOW_SIZE describe a topic that is there; a query says its "
                   "window by WINDOW.");
  }
  auto planner = TRY(QueryPlanner::make(context_, *create.query));
  SourceInfo sink = described(create, settings);
  sink.schema = TRY(planner->derive(create.name));
  if (planner->kind() != create.kind) {
    return problem(create.name.span,
                   fmt::format("Invalid result type. Your SELECT query produces a {0}. Please use "
                               "CREATE {0} AS SELECT statement instead.",
                               name_of(planner->kind())));
  }
  sink.from_query = true;
  sink.window = planner->window();
  TRY(check_retention(settings, sink));
  sink.topic = TRY(sink_topic(create.name, settings, context_.defaults.topic_prefix));
  sink.statement = statement_text_;
  TRY(settle_formats(settings, planner->first_source(), context_.defaults, sink));
  TRY(check_formats(sink, format_places(settings, create.name.span)));
  TRY(check_timestamp(sink, settings));
  for (const SourceInfo* source : planner->sources())
    TRY(check_no_loop(*source, sink, create.name.span));
  SourceInfo result = sink;
  PlanPtr plan = TRY(planner->finish(std::move(sink)));
  return CreateStreamAs{.stream = std::move(result),
                        .plan = std::move(plan),
                        .or_replace = create.or_replace,
                        .if_not_exists = create.if_not_exists,
                        .query_id = std::move(query.query_id),
                        .on_change = query.on_change};
}

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::AlterSource& alter) {
  const SourceInfo* there = TRY(find_source(context_, alter.name));
  if (there->kind != alter.kind) {
    return problem(alter.name.span,
                   fmt::format("Incompatible data source type is {}, but statement was ALTER {}.",
                               name_of(there->kind), name_of(alter.kind)));
  }
  const std::string_view kind = alter.kind == SourceKind::table ? "table" : "stream";
  if (there->read_only) {
    return problem(alter.name.span,
                   fmt::format("Cannot alter {} '{}': ALTER operations are not supported on source "
                               "{}s.",
                               kind, alter.name.text, kind));
  }
  if (there->from_query) {
    return problem(alter.name.span,
                   "ALTER command is not supported for CREATE ... AS statements: "
                   "CREATE OR REPLACE changes its query.");
  }
  SourceInfo source = *there;
  for (const ast::ColumnDefinition& column : alter.columns) {
    if (source.schema.find(column.name.text)) {
      return problem(column.name.span,
                     fmt::format("Cannot add column `{}` to schema. A column with the same name "
                                 "already exists.",
                                 column.name.text));
    }
    TRY(check_column_name(column.name));
    source.schema.columns.push_back(
        {column.name.text, TRY(bind_type(column.type, &context_.catalogue)), ColumnRole::value});
  }
  TRY(check_formats(source, {alter.name.span, alter.name.span}));
  source.statement = TRY(with_columns(*there, alter, context_.text));
  return AlterSource{std::move(source)};
}

}  // namespace penstock::sql
