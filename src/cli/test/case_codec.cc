#include "cli/test/case_codec.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "data/double_text.h"
#include "topics/record.h"

namespace penstock::cli {
namespace {

using data::TypeKind;
using sql::FormatKind;

std::vector<const data::ColumnSchema*> columns_of(const TopicCoding& coding,
                                                  data::ColumnRole role) {
  std::vector<const data::ColumnSchema*> out;
  if (coding.source == nullptr) return out;
  for (const data::ColumnSchema& column : coding.source->schema.columns) {
    if (column.role == role) out.push_back(&column);
  }
  return out;
}

FormatKind format_of(const TopicCoding& coding, data::ColumnRole role) {
  if (coding.source == nullptr) return FormatKind::kafka;
  return role == data::ColumnRole::key ? coding.source->key_format : coding.source->value_format;
}

std::string big_endian(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

template <typename T>
Result<T> number_of(const ExactJson& value, std::string_view what) {
  T number{};
  const auto [end, error] =
      std::from_chars(value.text.data(), value.text.data() + value.text.size(), number);
  if (error != std::errc() || end != value.text.data() + value.text.size())
    return fail(ErrorCode::invalid_argument, fmt::format("{}: expected a number", what));
  return number;
}

Result<std::string> encode_kafka(const ExactJson& value, TypeKind kind, std::string_view what) {
  switch (kind) {
    case TypeKind::integer:
      return big_endian(static_cast<std::uint32_t>(TRY(number_of<std::int32_t>(value, what))), 4);
    case TypeKind::bigint:
      return big_endian(static_cast<std::uint64_t>(TRY(number_of<std::int64_t>(value, what))), 8);
    case TypeKind::double_:
      return big_endian(std::bit_cast<std::uint64_t>(TRY(number_of<double>(value, what))), 8);
    default:
      break;
  }
  if (value.is_string() || value.is_number()) return value.text;
  std::string text;
  append_exact_json(text, value);
  return text;
}

Result<std::optional<std::string>> encode(const ExactJson& value, const TopicCoding& coding,
                                          data::ColumnRole role, std::string_view what) {
  if (value.is_null()) return std::nullopt;
  const auto columns = columns_of(coding, role);
  std::string text;
  switch (format_of(coding, role)) {
    case FormatKind::kafka:
      return TRY(encode_kafka(
          value, columns.size() == 1 ? columns[0]->type.kind() : TypeKind::string, what));
    case FormatKind::delimited:
      if (value.is_string() || value.is_number()) return value.text;
      append_exact_json(text, value);
      return text;
    case FormatKind::none:
      if (role == data::ColumnRole::key && columns.empty()) return std::nullopt;
      append_exact_json(text, value);
      return text;
    default:
      append_exact_json(text, value);
      return text;
  }
}

ExactJson decode_kafka(const std::string& bytes, TypeKind kind) {
  if (kind == TypeKind::integer && bytes.size() == 4)
    return json_number(std::to_string(static_cast<std::int32_t>(read_big_endian(bytes))));
  if (kind == TypeKind::bigint && bytes.size() == 8)
    return json_number(std::to_string(static_cast<std::int64_t>(read_big_endian(bytes))));
  if (kind == TypeKind::double_ && bytes.size() == 8)
    return json_number(data::double_text(std::bit_cast<double>(read_big_endian(bytes))));
  return json_text(bytes);
}

ExactJson decode(const std::optional<std::string>& bytes, const TopicCoding& coding,
                 data::ColumnRole role) {
  if (!bytes) return {};
  const auto columns = columns_of(coding, role);
  switch (format_of(coding, role)) {
    case FormatKind::kafka:
      return decode_kafka(*bytes, columns.size() == 1 ? columns[0]->type.kind() : TypeKind::string);
    case FormatKind::delimited:
      return json_text(*bytes);
    default:
      break;
  }
  auto parsed = parse_exact_json(*bytes, "record");
  return parsed ? *std::move(parsed) : json_text(*bytes);
}

}  // namespace

TopicCoding coding_of(const session::StreamCatalogue& catalogue, const std::string& topic) {
  for (const auto& [name, source] : catalogue.streams()) {
    if (source.topic == topic) return {&source};
  }
  return {};
}

Result<session::CaseRecord> encode_record(const WrittenRecord& record, const TopicCoding& coding) {
  const std::string what = fmt::format("a record of topic '{}'", record.topic);
  session::CaseRecord out{.topic = record.topic,
                          .key = TRY(encode(record.key, coding, data::ColumnRole::key, what)),
                          .value = TRY(encode(record.value, coding, data::ColumnRole::value, what)),
                          .timestamp_ms = record.timestamp_ms.value_or(0)};
  if (record.window && out.key) {
    if (record.window->session)
      *out.key += big_endian(static_cast<std::uint64_t>(record.window->end_ms), 8);
    *out.key += big_endian(static_cast<std::uint64_t>(record.window->start_ms), 8);
  }
  std::vector<topics::Header> headers;
  for (const auto& [name, value] : record.headers) {
    topics::Header header{.name = name, .value = std::nullopt};
    if (value) header.value = TRY_IN(from_base64(*value), what);
    headers.push_back(std::move(header));
  }
  if (!headers.empty()) out.headers = topics::pack_headers(headers);
  return out;
}

namespace {

// Takes the window off a key's end.
std::optional<CaseWindow> take_window(std::string& key, const sql::WindowInfo& info) {
  constexpr std::size_t kTimeBytes = 8;
  const bool session = info.kind == sql::WindowKind::session;
  const std::size_t bytes = session ? 2 * kTimeBytes : kTimeBytes;
  if (key.size() < bytes) return std::nullopt;
  const auto time_at = [&](std::size_t from_end) {
    return static_cast<std::int64_t>(
        read_big_endian(std::string_view(key).substr(key.size() - from_end, kTimeBytes)));
  };
  CaseWindow window{.start_ms = time_at(kTimeBytes), .session = session};
  window.end_ms = session ? time_at(2 * kTimeBytes) : window.start_ms + info.size_ms.value_or(0);
  key.resize(key.size() - bytes);
  return window;
}

}  // namespace

DecodedRecord decode_record(const session::CaseRecord& record, const TopicCoding& coding) {
  DecodedRecord out;
  out.topic = record.topic;
  out.timestamp_ms = record.timestamp_ms;
  std::optional<std::string> key = record.key;
  if (key && coding.source != nullptr && coding.source->window)
    out.window = take_window(*key, *coding.source->window);
  out.key = decode(key, coding, data::ColumnRole::key);
  out.value = decode(record.value, coding, data::ColumnRole::value);
  const auto headers = topics::unpack_headers(record.headers);
  if (!headers) return out;
  for (const topics::Header& header : *headers) {
    std::optional<std::string> value;
    if (header.value) value = to_base64(*header.value);
    out.headers.emplace_back(header.name, std::move(value));
  }
  return out;
}

}  // namespace penstock::cli
