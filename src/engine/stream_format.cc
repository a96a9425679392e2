#include "engine/stream_format.h"

#include <fmt/format.h>

namespace penstock::engine {
namespace {

Result<format::Kind> kind_of(const sql::StreamInfo& stream, sql::FormatKind kind) {
  switch (kind) {
    case sql::FormatKind::json:
      return format::Kind::json;
    case sql::FormatKind::delimited:
      return format::Kind::delimited;
    case sql::FormatKind::kafka:
      return format::Kind::kafka;
    case sql::FormatKind::none:
      return format::Kind::none;
    default:
      break;
  }
  return fail(ErrorCode::unsupported, fmt::format("stream {}: format {} needs a schema registry, "
                                                  "which is not supported yet",
                                                  stream.name, sql::name_of(kind)));
}

Result<char> delimiter_of(const sql::StreamInfo& stream, const std::string& text) {
  if (text.size() == 1) return text[0];
  if (text == "SPACE") return ' ';
  if (text == "TAB") return '\t';
  return fail(ErrorCode::invalid_argument,
              fmt::format("stream {}: delimiter '{}' is neither one character nor SPACE or TAB",
                          stream.name, text));
}

}  // namespace

Result<format::Options> key_options(const sql::StreamInfo& stream) {
  std::size_t columns = columns_of(stream.schema, data::ColumnRole::key).places.size();
  format::Options options;
  options.kind = TRY(kind_of(stream, stream.key_format));
  options.unwrapped = options.kind == format::Kind::json && columns == 1;
  if (options.kind == format::Kind::delimited)
    options.delimiter = TRY(delimiter_of(stream, stream.key_delimiter));
  return options;
}

Result<format::Options> value_options(const sql::StreamInfo& stream) {
  std::size_t columns = columns_of(stream.schema, data::ColumnRole::value).places.size();
  format::Options options;
  options.kind = TRY(kind_of(stream, stream.value_format));
  if (options.kind == format::Kind::kafka && columns == 0) options.kind = format::Kind::none;
  options.unwrapped = options.kind == format::Kind::json && columns == 1 &&
                      !stream.wrap_single_value.value_or(true);
  if (options.kind == format::Kind::delimited)
    options.delimiter = TRY(delimiter_of(stream, stream.value_delimiter));
  return options;
}

RoleColumns columns_of(const data::Schema& schema, data::ColumnRole role) {
  RoleColumns out;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    if (schema.columns[i].role != role) continue;
    out.schema.columns.push_back(schema.columns[i]);
    out.places.push_back(i);
  }
  return out;
}

Result<std::optional<TimestampRule>> TimestampRule::of(const sql::StreamInfo& stream) {
  if (!stream.timestamp_column) return std::nullopt;
  std::optional<std::size_t> place = stream.schema.find(*stream.timestamp_column);
  if (!place)
    return fail(ErrorCode::invalid_argument,
                fmt::format("stream {}: TIMESTAMP names column {}, which it does not have",
                            stream.name, *stream.timestamp_column));
  TimestampRule rule;
  rule.place_ = *place;
  const data::Type& type = stream.schema.columns[*place].type;
  if (type.kind() == data::TypeKind::string && stream.timestamp_format) {
    rule.pattern_ = TRY_IN(functions::TimePattern::compile(*stream.timestamp_format),
                           fmt::format("stream {}: TIMESTAMP_FORMAT", stream.name));
    return rule;
  }
  if (type.kind() != data::TypeKind::bigint && type.kind() != data::TypeKind::timestamp)
    return fail(ErrorCode::unsupported,
                fmt::format("stream {}: TIMESTAMP column {} has type {}, expected BIGINT, "
                            "TIMESTAMP, or STRING with a TIMESTAMP_FORMAT",
                            stream.name, *stream.timestamp_column, type.text()));
  return rule;
}

std::optional<data::TimestampMs> TimestampRule::read(const data::Column& column,
                                                     data::RowIndex row) {
  if (column.is_null(row)) return std::nullopt;
  const auto time = pattern_ ? time_of(column.values<data::Text>()[row].view())
                             : column.values<std::int64_t>()[row];
  return time < 0 ? std::nullopt : time;
}

std::optional<data::TimestampMs> TimestampRule::time_of(std::string_view text) {
  const auto parsed = pattern_->parse(text);
  if (!parsed) return std::nullopt;
  if (parsed->offset_ms) return parsed->local - *parsed->offset_ms;
  if (!parsed->zone) return parsed->local;
  const functions::TimeZone* zone = zones_.find(*parsed->zone);
  if (zone == nullptr) return std::nullopt;
  return parsed->local - zone->offset_ms_of_local(parsed->local);
}

}  // namespace penstock::engine
