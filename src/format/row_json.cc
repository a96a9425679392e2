#include "format/row_json.h"

#include <simdjson.h>

#include "base/check.h"
#include "base/json.h"
#include "data/decimal.h"
#include "data/time_text.h"
#include "format/json_put.h"

namespace penstock::format {
namespace {

using data::TypeKind;

template <typename T>
const T& held(const data::Value& value) {
  const T* found = std::get_if<T>(&value);
  CHECK(found != nullptr);
  return *found;
}

void append_quoted(std::string& out, std::string_view plain) {
  out += '"';
  out += plain;
  out += '"';
}

void append_base64(std::string& out, const std::string& bytes) {
  std::string text(base64_size(bytes.size()), '\0');
  put_base64(text.data(), bytes);
  append_quoted(out, text);
}

void append_double(std::string& out, double value) {
  char text[kDoubleJsonMax];
  out.append(text, put_double(text, value));
}

// An ARRAY, or a STRUCT as an object.
void append_list(std::string& out, const data::ListValue& list, const data::Type& type) {
  const bool object = type.kind() == TypeKind::struct_;
  out += object ? '{' : '[';
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) out += ',';
    if (object) {
      append_json_string(out, type.fields()[i].name);
      out += ':';
    }
    append_json(out, list.items[i], object ? type.fields()[i].type : type.element());
  }
  out += object ? '}' : ']';
}

// Keys that are no strings stand in quotes.
void append_map(std::string& out, const data::MapValue& map, const data::Type& type) {
  out += '{';
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (i > 0) out += ',';
    std::string key;
    append_json(key, map.keys[i], type.key());
    if (key.starts_with('"'))
      out += key;
    else
      append_quoted(out, key);
    out += ':';
    append_json(out, map.values[i], type.value());
  }
  out += '}';
}

}  // namespace

void append_json(std::string& out, const data::Value& value, const data::Type& type) {
  if (std::holds_alternative<data::Null>(value)) {
    out += "null";
    return;
  }
  switch (type.kind()) {
    case TypeKind::boolean:
      out += held<bool>(value) ? "true" : "false";
      return;
    case TypeKind::integer:
      out += std::to_string(held<std::int32_t>(value));
      return;
    case TypeKind::bigint:
      out += std::to_string(held<std::int64_t>(value));
      return;
    case TypeKind::double_:
      append_double(out, held<double>(value));
      return;
    case TypeKind::decimal:
      out += data::decimal_text(held<data::Int128>(value), type.scale());
      return;
    case TypeKind::string:
      append_json_string(out, held<std::string>(value));
      return;
    case TypeKind::bytes:
      append_base64(out, held<std::string>(value));
      return;
    case TypeKind::date:
      append_quoted(out, data::date_text(held<std::int32_t>(value)));
      return;
    case TypeKind::time:
      append_quoted(out, data::time_text(held<std::int32_t>(value)));
      return;
    case TypeKind::timestamp:
      append_quoted(out, data::timestamp_text(held<std::int64_t>(value)));
      return;
    case TypeKind::array:
    case TypeKind::struct_:
      return append_list(out, held<data::ListValue>(value), type);
    case TypeKind::map:
      return append_map(out, held<data::MapValue>(value), type);
  }
}

void append_json_row(std::string& out, std::span<const data::Value> row,
                     const data::Schema& schema) {
  CHECK(row.size() == schema.columns.size());
  out += '[';
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out += ',';
    append_json(out, row[i], schema.columns[i].type);
  }
  out += ']';
}

void append_json_string(std::string& out, std::string_view text) {
  if (!simdjson::validate_utf8(text.data(), text.size())) [[unlikely]] {
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    return;
  }
  std::size_t begin = out.size();
  out.resize(begin + escaped_size_max(text.size()) + 2);
  char* to = out.data() + begin;
  *to++ = '"';
  to = put_escaped(to, text);
  *to++ = '"';
  out.resize(static_cast<std::size_t>(to - out.data()));
}

}  // namespace penstock::format
