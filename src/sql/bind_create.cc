// CREATE STREAM.
#include <algorithm>

#include <fmt/format.h>

#include "sql/statement_binder.h"
#include "sql/stream_settings.h"

namespace penstock::sql {
namespace {

using data::ColumnRole;

Parsed<void> check_column(const ast::ColumnDefinition& column, const data::Schema& earlier) {
  if (earlier.find(column.name.text)) {
    return problem(column.name.span, fmt::format("Duplicate column names: {}.", column.name.text));
  }
  if (is_reserved_column(column.name.text)) {
    return problem(column.name.span,
                   fmt::format("'{}' is a reserved column name.", column.name.text));
  }
  if (column.type.is_nested()) {
    return not_yet(column.type_span,
                   fmt::format("Column {} is {}: nested types are not supported yet.",
                               column.name.text, column.type.text()));
  }
  return {};
}

Parsed<data::Schema> schema_of(const ast::CreateStream& create) {
  data::Schema schema;
  for (const ColumnRole role : {ColumnRole::key, ColumnRole::value}) {
    for (const ast::ColumnDefinition& column : create.columns) {
      if (column.key != (role == ColumnRole::key)) continue;
      TRY(check_column(column, schema));
      schema.columns.push_back({column.name.text, column.type, role});
    }
  }
  return schema;
}

// What the statement says of formats, where each is said or else at the stream's name.
FormatPlaces format_places(const StreamSettings& settings, SourceSpan name) {
  const auto place = [&](SourceSpan span) { return span.end == 0 ? name : span; };
  return {place(settings.key_format_span), place(settings.value_format_span)};
}

Parsed<void> apply_delimiter(const StreamSettings& settings, StreamInfo& stream) {
  if (!settings.value_delimiter) return {};
  if (stream.value_format != FormatKind::delimited) {
    return problem(settings.value_delimiter_span,
                   fmt::format("VALUE_DELIMITER is for VALUE_FORMAT='DELIMITED', but this is {}.",
                               name_of(stream.value_format)));
  }
  stream.value_delimiter = *settings.value_delimiter;
  return {};
}

bool has_keys(const data::Schema& schema) {
  return std::any_of(
      schema.columns.begin(), schema.columns.end(),
      [](const data::ColumnSchema& column) { return column.role == ColumnRole::key; });
}

Parsed<std::string> sink_topic(const ast::Identifier& name, const StreamSettings& settings) {
  if (settings.topic) return *settings.topic;
  if (is_topic_name(name.text)) return name.text;
  return problem(name.span,
                 "This stream's name is not a topic name: give the topic by KAFKA_TOPIC='...'.");
}

// The sink's formats: as said, else the source's; keys by KAFKA where the source had none.
Parsed<void> settle_formats(const StreamSettings& settings, const StreamInfo& source,
                            StreamInfo& sink) {
  const bool keyed = has_keys(sink.schema);
  if (settings.key_format_named && !keyed && *settings.key_format != FormatKind::none) {
    return problem(settings.key_format_span,
                   "Key format specified for stream without key columns.");
  }
  sink.key_format = settings.key_format.value_or(source.key_format);
  const bool unusable = !settings.key_format && keyed && sink.key_format == FormatKind::none;
  if (unusable) sink.key_format = FormatKind::kafka;
  sink.value_format = settings.value_format.value_or(source.value_format);
  const bool same =
      sink.value_format == source.value_format && sink.value_format == FormatKind::delimited;
  if (same) sink.value_delimiter = source.value_delimiter;
  return apply_delimiter(settings, sink);
}

}  // namespace

Parsed<StatementBinder::Node> StatementBinder::bind_node(ast::CreateStream& create) {
  if (create.or_replace && create.if_not_exists) {
    return problem(create.name.span, "OR REPLACE and IF NOT EXISTS exclude each other.");
  }
  return create.query ? create_from_query(create) : create_plain(create);
}

Parsed<StatementBinder::Node> StatementBinder::create_plain(const ast::CreateStream& create) {
  const StreamSettings settings = TRY(read_stream_settings(create.properties));
  if (create.columns.empty())
    return problem(create.name.span, "The statement does not define any columns.");
  StreamInfo stream;
  stream.name = create.name.text;
  stream.schema = TRY(schema_of(create));
  stream.statement = statement_text_;
  if (!settings.topic) {
    return problem(create.name.span,
                   "Missing required property \"KAFKA_TOPIC\" which has no default value: add it "
                   "to WITH (...).");
  }
  if (!settings.value_format) {
    return problem(create.name.span,
                   "Statement is missing the 'VALUE_FORMAT' property from the WITH clause. Add "
                   "VALUE_FORMAT='JSON', 'DELIMITED' or 'KAFKA', or FORMAT for key and value.");
  }
  stream.topic = *settings.topic;
  stream.key_format = settings.key_format.value_or(FormatKind::kafka);
  stream.value_format = *settings.value_format;
  stream.seal = settings.seal;
  stream.headers = settings.headers;
  stream.partitions = settings.partitions;
  stream.retention_ms = settings.retention_ms;
  stream.timestamp_column = settings.timestamp_column;
  TRY(apply_delimiter(settings, stream));
  TRY(check_formats(stream, format_places(settings, create.name.span)));
  TRY(check_timestamp(stream, settings.timestamp_span));
  return CreateStream{std::move(stream), create.or_replace, create.if_not_exists};
}

Parsed<StatementBinder::Node> StatementBinder::create_from_query(const ast::CreateStream& create) {
  QuerySettings query;
  const StreamSettings settings = TRY(read_stream_settings(create.properties, &query));
  const StreamInfo* source = TRY(find_stream(context_, create.query->source));
  QueryPlanner planner(context_, *create.query, *source);
  StreamInfo stream;
  stream.name = create.name.text;
  stream.schema = TRY(planner.derive(create.name));
  stream.topic = TRY(sink_topic(create.name, settings));
  stream.statement = statement_text_;
  stream.seal = settings.seal;
  stream.headers = settings.headers;
  stream.partitions = settings.partitions;
  stream.retention_ms = settings.retention_ms;
  stream.timestamp_column = settings.timestamp_column;
  TRY(settle_formats(settings, *source, stream));
  TRY(check_formats(stream, format_places(settings, create.name.span)));
  TRY(check_timestamp(stream, settings.timestamp_span));
  TRY(check_no_loop(*source, stream, create.name.span));
  StreamInfo described = stream;
  PlanPtr plan = TRY(planner.finish(std::move(stream)));
  return CreateStreamAs{.stream = std::move(described),
                        .plan = std::move(plan),
                        .or_replace = create.or_replace,
                        .if_not_exists = create.if_not_exists,
                        .query_id = std::move(query.query_id),
                        .on_change = query.on_change};
}

}  // namespace penstock::sql
