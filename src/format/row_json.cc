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

void append_base64(std::string& out, std::string_view bytes) {
  std::string text(base64_size(bytes.size()), '\0');
  put_base64(text.data(), bytes);
  append_quoted(out, text);
}

void append_double(std::string& out, double value) {
  char text[kDoubleJsonMax];
  out.append(text, put_double(text, value));
}

void append_integer(std::string& out, std::int64_t value) {
  char text[kIntegerTextMax];
  out.append(text, put_integer(text, value));
}

void append_decimal(std::string& out, data::Int128 value, int scale) {
  char text[data::kDecimalTextMax];
  out.append(text, data::write_decimal(text, value, scale));
}

// Integers that are times or plain numbers.
void append_integral(std::string& out, std::int64_t value, TypeKind kind) {
  switch (kind) {
    case TypeKind::date:
      return append_quoted(out, data::date_text(static_cast<std::int32_t>(value)));
    case TypeKind::time:
      return append_quoted(out, data::time_text(static_cast<std::int32_t>(value)));
    case TypeKind::timestamp:
      return append_quoted(out, data::timestamp_text(value));
    default:
      return append_integer(out, value);
  }
}

// An ARRAY, or a STRUCT as an object: put(i) appends the element.
template <typename Put>
void append_list(std::string& out, std::size_t size, const data::Type& type, Put put) {
  const bool object = type.kind() == TypeKind::struct_;
  out += object ? '{' : '[';
  for (std::size_t i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    if (object) {
      append_json_string(out, type.fields()[i].name);
      out += ':';
    }
    put(i);
  }
  out += object ? '}' : ']';
}

// Keys that are no strings stand in quotes. put_key(out, i), put_value(i).
template <typename PutKey, typename PutValue>
void append_map(std::string& out, std::size_t size, PutKey put_key, PutValue put_value) {
  out += '{';
  for (std::size_t i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    std::string key;
    put_key(key, i);
    if (key.starts_with('"'))
      out += key;
    else
      append_quoted(out, key);
    out += ':';
    put_value(i);
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
    case TypeKind::date:
    case TypeKind::time:
      return append_integral(out, held<std::int32_t>(value), type.kind());
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return append_integral(out, held<std::int64_t>(value), type.kind());
    case TypeKind::double_:
      return append_double(out, held<double>(value));
    case TypeKind::decimal:
      return append_decimal(out, held<data::Int128>(value), type.scale());
    case TypeKind::string:
      return append_json_string(out, held<std::string>(value));
    case TypeKind::bytes:
      return append_base64(out, held<std::string>(value));
    case TypeKind::array:
    case TypeKind::struct_: {
      const auto& items = held<data::ListValue>(value).items;
      const bool object = type.kind() == TypeKind::struct_;
      return append_list(out, items.size(), type, [&](std::size_t i) {
        append_json(out, items[i], object ? type.fields()[i].type : type.element());
      });
    }
    case TypeKind::map: {
      const auto& map = held<data::MapValue>(value);
      return append_map(
          out, map.keys.size(),
          [&](std::string& key, std::size_t i) { append_json(key, map.keys[i], type.key()); },
          [&](std::size_t i) { append_json(out, map.values[i], type.value()); });
    }
  }
}

void append_json_cell(std::string& out, const data::Column& column, std::size_t row) {
  if (column.is_null(row)) {
    out += "null";
    return;
  }
  const TypeKind kind = column.type().kind();
  switch (kind) {
    case TypeKind::boolean:
      out += column.values<std::uint8_t>()[row] != 0 ? "true" : "false";
      return;
    case TypeKind::integer:
    case TypeKind::date:
    case TypeKind::time:
      return append_integral(out, column.values<std::int32_t>()[row], kind);
    case TypeKind::bigint:
    case TypeKind::timestamp:
      return append_integral(out, column.values<std::int64_t>()[row], kind);
    case TypeKind::double_:
      return append_double(out, column.values<double>()[row]);
    case TypeKind::decimal:
      return append_decimal(out, column.values<data::Int128>()[row], column.type().scale());
    case TypeKind::string:
      return append_json_string(out, column.values<data::Text>()[row].view());
    case TypeKind::bytes:
      return append_base64(out, column.values<data::Text>()[row].view());
    case TypeKind::array: {
      const data::ListSpan span = column.list(row);
      return append_list(out, span.size, column.type(), [&](std::size_t i) {
        append_json_cell(out, column.child(0), span.begin + i);
      });
    }
    case TypeKind::struct_:
      return append_list(out, column.children(), column.type(),
                         [&](std::size_t i) { append_json_cell(out, column.child(i), row); });
    case TypeKind::map: {
      const data::ListSpan span = column.list(row);
      return append_map(
          out, span.size,
          [&](std::string& key, std::size_t i) {
            append_json_cell(key, column.child(0), span.begin + i);
          },
          [&](std::size_t i) { append_json_cell(out, column.child(1), span.begin + i); });
    }
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
