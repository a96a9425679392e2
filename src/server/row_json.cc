#include "server/row_json.h"

#include <cmath>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/json.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"

namespace penstock::server {
namespace {

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

void append_number(std::string& out, double value) {
  if (std::isfinite(value)) {
    out += data::double_text(value);
  } else {
    append_json_string(out, data::double_text(value));
  }
}

void append_integer(std::string& out, data::TypeKind kind, std::int32_t value) {
  if (kind == data::TypeKind::date) {
    append_json_string(out, data::date_text(value));
  } else if (kind == data::TypeKind::time) {
    append_json_string(out, data::time_text(value));
  } else {
    out += fmt::format_int(value).c_str();
  }
}

void append_bigint(std::string& out, data::TypeKind kind, std::int64_t value) {
  if (kind == data::TypeKind::timestamp) {
    append_json_string(out, data::timestamp_text(value));
  } else {
    out += fmt::format_int(value).c_str();
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    out += '"';
    out += text;
    out += '"';
    return;
  }
  out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void append_list(std::string& out, const data::Type& type, const data::ListValue& list);
void append_map(std::string& out, const data::Type& type, const data::MapValue& map);

void append_value(std::string& out, const data::Type& type, const data::Value& value) {
  struct Writer {
    std::string& out;
    const data::Type& type;
    void operator()(data::Null) const { out += "null"; }
    void operator()(bool v) const { out += v ? "true" : "false"; }
    void operator()(std::int32_t v) const { append_integer(out, type.kind(), v); }
    void operator()(std::int64_t v) const { append_bigint(out, type.kind(), v); }
    void operator()(double v) const { append_number(out, v); }
    void operator()(data::Int128 v) const { out += data::decimal_text(v, type.scale()); }
    void operator()(const std::string& v) const {
      if (type.kind() == data::TypeKind::bytes) {
        append_json_string(out, to_base64(as_bytes(v)));
      } else {
        append_json_string(out, v);
      }
    }
    void operator()(const data::ListValue& v) const { append_list(out, type, v); }
    void operator()(const data::MapValue& v) const { append_map(out, type, v); }
  };
  std::visit(Writer{out, type}, value);
}

// An ARRAY, or a STRUCT as an object.
void append_list(std::string& out, const data::Type& type, const data::ListValue& list) {
  const bool object = type.kind() == data::TypeKind::struct_;
  out += object ? '{' : '[';
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) out += ',';
    if (object) {
      append_json_string(out, type.fields()[i].name);
      out += ':';
    }
    append_value(out, object ? type.fields()[i].type : type.element(), list.items[i]);
  }
  out += object ? '}' : ']';
}

// Keys that are no strings as their texts.
void append_map(std::string& out, const data::Type& type, const data::MapValue& map) {
  out += '{';
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (i > 0) out += ',';
    std::string key;
    append_value(key, type.key(), map.keys[i]);
    if (key.starts_with('"'))
      out += key;
    else
      append_json_string(out, key);
    out += ':';
    append_value(out, type.value(), map.values[i]);
  }
  out += '}';
}

void append_row(std::string& out, const data::Schema& schema, const engine::PushQuery::Row& row) {
  CHECK(schema.columns.size() == row.size());
  out += '[';
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i != 0) out += ',';
    append_value(out, schema.columns[i].type, row[i]);
  }
  out += ']';
}

}  // namespace penstock::server
