// What WITH (...) says. Private to sql.
#pragma once

#include <optional>
#include <string>

#include "sql/ast.h"
#include "sql/diagnostic.h"
#include "sql/statement.h"
#include "sql/stream_info.h"

namespace penstock::sql {

struct StreamSettings {
  std::optional<std::string> topic;
  SourceSpan topic_span;
  std::optional<FormatKind> key_format, value_format;  // FORMAT sets both
  bool key_format_named = false;                       // by KEY_FORMAT itself
  SourceSpan key_format_span, value_format_span;
  std::optional<std::int32_t> partitions;
  std::optional<std::int64_t> retention_ms;
  SourceSpan retention_span;
  std::optional<std::string> key_delimiter, value_delimiter;
  SourceSpan key_delimiter_span, value_delimiter_span;
  std::optional<std::string> timestamp_format;
  SourceSpan timestamp_format_span;
  std::optional<bool> wrap_single_value;
  SourceSpan wrap_span;
  std::optional<WindowKind> window_type;
  std::optional<std::int64_t> window_size_ms;
  SourceSpan window_type_span, window_size_span;
  OnError on_error = OnError::null_column;
  std::optional<std::string> timestamp_column;
  SourceSpan timestamp_span;
  SealSpec seal;
  std::optional<HeaderRule> headers;
};

// Of a persistent query.
struct QuerySettings {
  std::optional<std::string> query_id;  // upper case
  std::optional<OnChange> on_change;
};

// Of CREATE STREAM and CREATE STREAM AS SELECT; defaults are the caller's. query: where QUERY_ID
// and ON_CHANGE go; null: they are not known there.
Parsed<StreamSettings> read_stream_settings(const ast::Properties& properties,
                                            QuerySettings* query = nullptr);

// Of INSERT INTO ... WITH (QUERY_ID='...', ON_CHANGE='...').
Parsed<QuerySettings> read_query_settings(const ast::Properties& properties);

// false: the property is neither of them.
Parsed<bool> take_query_setting(const ast::Property& property, QuerySettings& out);

// A property that is given twice.
Parsed<void> check_duplicates(const ast::Properties& properties);

// A topic that may exist: 1-249 of A-Z a-z 0-9 . _ - and neither "." nor "..".
bool is_topic_name(std::string_view name);

}  // namespace penstock::sql
