#include "engine/stream_format.h"

#include <fmt/format.h>

namespace penstock::engine {
namespace {

format::Kind kind_of(sql::FormatKind kind) {
  switch (kind) {
    case sql::FormatKind::json:
      return format::Kind::json;
    case sql::FormatKind::delimited:
      return format::Kind::delimited;
    case sql::FormatKind::kafka:
      return format::Kind::kafka;
    case sql::FormatKind::none:
    default:
      return format::Kind::none;
  }
  return format::Kind::none;
}

Result<char> delimiter_of(const sql::StreamInfo& stream) {
  const std::string& text = stream.value_delimiter;
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
  options.kind = kind_of(stream.key_format);
  options.unwrapped = options.kind == format::Kind::json && columns == 1;
  return options;
}

Result<format::Options> value_options(const sql::StreamInfo& stream) {
  format::Options options;
  options.kind = kind_of(stream.value_format);
  if (options.kind == format::Kind::delimited) options.delimiter = TRY(delimiter_of(stream));
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

Result<std::optional<std::size_t>> timestamp_column(const sql::StreamInfo& stream) {
  if (!stream.timestamp_column) return std::nullopt;
  std::optional<std::size_t> place = stream.schema.find(*stream.timestamp_column);
  if (!place)
    return fail(ErrorCode::invalid_argument,
                fmt::format("stream {}: TIMESTAMP names column {}, which it does not have",
                            stream.name, *stream.timestamp_column));
  const data::Type& type = stream.schema.columns[*place].type;
  if (type.kind() != data::TypeKind::bigint && type.kind() != data::TypeKind::timestamp)
    return fail(ErrorCode::unsupported,
                fmt::format("stream {}: TIMESTAMP column {} has type {}, expected BIGINT or "
                            "TIMESTAMP",
                            stream.name, *stream.timestamp_column, type.text()));
  return place;
}

}  // namespace penstock::engine
