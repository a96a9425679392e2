#include "sql/format_rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "data/type_name.h"
#include "sql/bind_type.h"
#include "sql/name_text.h"
#include "sql/nearest.h"

namespace penstock::sql {
namespace {

using data::ColumnRole;
using data::Type;
using data::TypeKind;

std::string columns_text(const SourceInfo& source, ColumnRole role) {
  std::string text;
  for (const data::ColumnSchema& column : source.schema.columns) {
    if (column.role == role)
      text += fmt::format("{}`{}` {}", text.empty() ? "" : ", ", column.name, column.type.text());
  }
  return text;
}

bool supports(FormatKind format, const Type& type) {
  const TypeKind kind = type.kind();
  switch (format) {
    case FormatKind::kafka:
      return kind == TypeKind::integer || kind == TypeKind::bigint || kind == TypeKind::double_ ||
             kind == TypeKind::string || kind == TypeKind::bytes;
    case FormatKind::delimited:
      return !type.is_nested();
    default:
      return true;
  }
}

// JSON's members are named by text.
bool has_unnamed_keys(const Type& type) {
  if (type.kind() == TypeKind::map && type.key().kind() != TypeKind::string) return true;
  return std::ranges::any_of(
      type.fields(), [](const data::TypeField& field) { return has_unnamed_keys(field.type); });
}

Parsed<void> check_column(FormatKind format, ColumnRole role, const data::ColumnSchema& column,
                          SourceSpan span) {
  if (role == ColumnRole::key && holds_map(column.type)) {
    return problem(span,
                   fmt::format("Map keys, including types that contain maps, are not supported as "
                               "they may lead to unexpected behavior due to inconsistent "
                               "serialization. Key column name: `{}`. Column type: {}.",
                               column.name, column.type.text()));
  }
  if (!supports(format, column.type)) {
    return problem(span,
                   fmt::format("The '{}' format does not support type '{}', column: `{}`",
                               name_of(format), data::name_of(column.type.kind()), column.name));
  }
  if (format == FormatKind::json && has_unnamed_keys(column.type)) {
    return problem(span, fmt::format("JSON only supports MAP types with STRING keys, column: `{}`",
                                     column.name));
  }
  return {};
}

Parsed<void> check_format(const SourceInfo& source, ColumnRole role, SourceSpan span) {
  const FormatKind format = role == ColumnRole::key ? source.key_format : source.value_format;
  std::size_t count = 0;
  for (const data::ColumnSchema& column : source.schema.columns) {
    if (column.role != role) continue;
    ++count;
    TRY(check_column(format, role, column, span));
  }
  if (format >= FormatKind::avro) {
    return not_yet(span, fmt::format("The '{}' format needs a schema registry, which is not "
                                     "supported yet.",
                                     name_of(format)));
  }
  if (format == FormatKind::kafka && count > 1) {
    return problem(span, fmt::format("The 'KAFKA' format only supports a single field. Got: [{}]",
                                     columns_text(source, role)));
  }
  if (format == FormatKind::none && count > 0) {
    return problem(
        span,
        fmt::format("The 'NONE' format can only be used when no columns are defined. Got: [{}]",
                    columns_text(source, role)));
  }
  return {};
}

Parsed<void> apply_delimiter(const std::optional<std::string>& said, std::string_view name,
                             FormatKind format, SourceSpan span, std::string& out) {
  if (!said) return {};
  if (format != FormatKind::delimited) {
    return problem(span, fmt::format("{}_DELIMITER is for {}_FORMAT='DELIMITED', but this is {}.",
                                     name, name, name_of(format)));
  }
  out = *said;
  return {};
}

}  // namespace

Parsed<void> check_formats(const SourceInfo& source, FormatPlaces places) {
  TRY(check_format(source, ColumnRole::key, places.key));
  return check_format(source, ColumnRole::value, places.value);
}

Parsed<void> check_timestamp(const SourceInfo& source, const StreamSettings& settings) {
  if (!source.timestamp_column) {
    if (!settings.timestamp_format) return {};
    return problem(settings.timestamp_format_span,
                   "TIMESTAMP_FORMAT needs TIMESTAMP='column' beside it.");
  }
  const SourceSpan span = settings.timestamp_span;
  const auto index = source.schema.find(*source.timestamp_column);
  if (!index) {
    std::vector<std::string> names;
    for (const data::ColumnSchema& column : source.schema.columns) names.push_back(column.name);
    return problem(
        span, fmt::format("The TIMESTAMP column set in the WITH clause does not exist in "
                          "the schema: '{}'.{}",
                          *source.timestamp_column, did_you_mean(*source.timestamp_column, names)));
  }
  const TypeKind kind = source.schema.columns[*index].type.kind();
  const bool text = kind == TypeKind::string;
  if (source.timestamp_format && !text) {
    return problem(
        settings.timestamp_format_span,
        fmt::format("'TIMESTAMP_FORMAT' set in the WITH clause can only be used with timestamp "
                    "columns of type STRING, but '{}' is {}.",
                    *source.timestamp_column, source.schema.columns[*index].type.text()));
  }
  if (kind == TypeKind::bigint || kind == TypeKind::timestamp) return {};
  if (text && source.timestamp_format) return {};
  if (text) {
    return problem(span, fmt::format("A String timestamp field has been specified without also "
                                     "specifying the TIMESTAMP_FORMAT: '{}' is a STRING.",
                                     *source.timestamp_column));
  }
  return problem(
      span, fmt::format("Timestamp column, `{}`, should be LONG(INT64), TIMESTAMP, or a String "
                        "with a TIMESTAMP_FORMAT specified; it is {}.",
                        *source.timestamp_column, source.schema.columns[*index].type.text()));
}

Parsed<void> apply_wrapping(const StreamSettings& settings, std::optional<bool> otherwise,
                            SourceInfo& source) {
  const auto values =
      std::ranges::count(source.schema.columns, ColumnRole::value, &data::ColumnSchema::role);
  const bool able =
      source.value_format == FormatKind::json || source.value_format >= FormatKind::avro;
  if (!settings.wrap_single_value) {
    if (able && values == 1) source.wrap_single_value = otherwise;
    return {};
  }
  const bool wrap = *settings.wrap_single_value;
  if (!able) {
    return problem(settings.wrap_span,
                   fmt::format("Format '{}' does not support 'WRAP_SINGLE_VALUE' set to '{}'.",
                               name_of(source.value_format), wrap));
  }
  if (values != 1) {
    return problem(settings.wrap_span,
                   "'WRAP_SINGLE_VALUE' is only valid for single-field value schemas.");
  }
  source.wrap_single_value = wrap;
  return {};
}

Parsed<void> apply_delimiters(const StreamSettings& settings, SourceInfo& source) {
  TRY(apply_delimiter(settings.key_delimiter, "KEY", source.key_format, settings.key_delimiter_span,
                      source.key_delimiter));
  return apply_delimiter(settings.value_delimiter, "VALUE", source.value_format,
                         settings.value_delimiter_span, source.value_delimiter);
}

Parsed<void> apply_window(const StreamSettings& settings, SourceInfo& source) {
  if (!settings.window_type) {
    if (!settings.window_size_ms) return {};
    return problem(settings.window_size_span, "WINDOW_SIZE needs WINDOW_TYPE beside it.");
  }
  const bool session = *settings.window_type == WindowKind::session;
  if (session && settings.window_size_ms) {
    return problem(settings.window_size_span,
                   "'WINDOW_SIZE' should not be set for SESSION windows.");
  }
  if (!session && !settings.window_size_ms) {
    return problem(settings.window_type_span,
                   fmt::format("{} windows require 'WINDOW_SIZE' to be provided in the WITH "
                               "clause. For example: 'WINDOW_SIZE'='10 SECONDS'",
                               name_of(*settings.window_type)));
  }
  const bool keyed = std::ranges::any_of(
      source.schema.columns, [](const auto& column) { return column.role == ColumnRole::key; });
  if (!keyed) {
    return problem(settings.window_type_span,
                   "Windowed sources require a key column: their windows are part of the key.");
  }
  source.window = WindowInfo{.kind = *settings.window_type, .size_ms = settings.window_size_ms};
  return {};
}

}  // namespace penstock::sql
