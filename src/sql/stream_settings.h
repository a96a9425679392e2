// What WITH (...) says. Private to sql.
#pragma once

#include <optional>
#include <string>

#include "sql/ast.h"
#include "sql/diagnostic.h"
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
  std::optional<std::string> value_delimiter;
  SourceSpan value_delimiter_span;
  std::optional<std::string> timestamp_column;
  SourceSpan timestamp_span;
  SealSpec seal;
  std::optional<HeaderRule> headers;
};

// Of CREATE STREAM and CREATE STREAM AS SELECT; defaults are the caller's.
Parsed<StreamSettings> read_stream_settings(const ast::Properties& properties);

// Of INSERT INTO ... WITH (QUERY_ID='...').
Parsed<std::optional<std::string>> read_query_id(const ast::Properties& properties);

// A topic that may exist: 1-249 of A-Z a-z 0-9 . _ - and neither "." nor "..".
bool is_topic_name(std::string_view name);

// Whether formats can carry the columns. Spans: where a message points.
struct FormatPlaces {
  SourceSpan key, value;
};
Parsed<void> check_formats(const StreamInfo& stream, FormatPlaces places);

// TIMESTAMP='column': a BIGINT or TIMESTAMP column of the schema.
Parsed<void> check_timestamp(const StreamInfo& stream, SourceSpan span);

}  // namespace penstock::sql
