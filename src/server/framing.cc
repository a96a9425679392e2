#include "server/framing.h"

#include <fmt/format.h>

#include "data/time_text.h"
#include "format/row_json.h"

namespace penstock::server {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The media ranges in the order given, without parameters.
std::vector<std::string_view> media_ranges(std::string_view accept) {
  std::vector<std::string_view> out;
  while (!accept.empty()) {
    const auto comma = accept.find(',');
    std::string_view range = accept.substr(0, comma);
    range = trimmed(range.substr(0, range.find(';')));
    if (!range.empty()) out.push_back(range);
    if (comma == std::string_view::npos) break;
    accept.remove_prefix(comma + 1);
  }
  return out;
}

std::optional<Framing> framing_for(std::string_view accept, Framing any, Framing json) {
  const auto ranges = media_ranges(accept);
  if (ranges.empty()) return any;
  for (const std::string_view range : ranges) {
    if (range == kDelimitedType) return Framing::delimited;
    if (range == kV1Type) return Framing::streamed_rows;
    if (range == kJsonType) return json;
    if (range == "*/*" || range == "application/*") return any;
  }
  return std::nullopt;
}

// "`ID` STRING, `N` BIGINT"; keys are marked on pull queries only.
std::string schema_text(const data::Schema& schema, QueryKind kind) {
  if (kind == QueryKind::pull) return schema.text();
  data::Schema unmarked = schema;
  for (auto& column : unmarked.columns) column.role = data::ColumnRole::value;
  return unmarked.text();
}

// yyyy/MM/dd HH:mm:ss.SSS Z
std::string rowtime_text(std::int64_t timestamp_ms) {
  std::string out = data::timestamp_text(timestamp_ms);
  for (char& c : out) {
    if (c == '-') c = '/';
    if (c == 'T') c = ' ';
  }
  return out + " Z";
}

std::string shown(const data::Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? *text : "<null>";
}

}  // namespace

std::string_view content_type(Framing framing) {
  switch (framing) {
    case Framing::delimited:
      return kDelimitedType;
    case Framing::json_array:
      return kJsonType;
    case Framing::streamed_rows:
      return kV1Type;
    case Framing::text:
      break;
  }
  return "text/plain; charset=utf-8";
}

std::optional<Framing> framing_for_query(std::string_view accept) {
  return framing_for(accept, Framing::streamed_rows, Framing::streamed_rows);
}

std::optional<Framing> framing_for_query_stream(std::string_view accept) {
  return framing_for(accept, Framing::delimited, Framing::json_array);
}

Framer::Framer(Framing framing, QueryKind kind, std::string query_id, data::Schema schema)
    : framing_(framing),
      kind_(kind),
      query_id_(std::move(query_id)),
      schema_(std::move(schema)),
      ends_lines_(framing == Framing::streamed_rows && kind == QueryKind::push) {}

std::string Framer::head() const {
  if (framing_ == Framing::text) return {};
  OrderedJson meta;
  if (framing_ == Framing::streamed_rows) {
    OrderedJson header;
    header["queryId"] = query_id_;
    header["schema"] = schema_text(schema_, kind_);
    meta["header"] = std::move(header);
    return "[" + to_text(meta) + (ends_lines_ ? ",\n" : "");
  }
  meta["queryId"] = query_id_;
  meta["columnNames"] = OrderedJson::array();
  meta["columnTypes"] = OrderedJson::array();
  for (const auto& column : schema_.columns) {
    meta["columnNames"].push_back(column.name);
    meta["columnTypes"].push_back(column.type.text());
  }
  return framing_ == Framing::delimited ? to_text(meta) + "\n" : "[" + to_text(meta);
}

std::string Framer::separator() const {
  return ends_lines_ ? "" : ",\n";
}

std::string Framer::row(const engine::PushQuery::Row& row) const {
  if (framing_ == Framing::text) return print_line(row);
  std::string json;
  format::append_json_row(json, row, schema_);
  return json_row({.columns = std::move(json), .tombstone = false});
}

std::string Framer::json_row(engine::PushQuery::JsonRow row) const {
  if (framing_ == Framing::streamed_rows)
    return separator() + "{\"row\":{\"columns\":" + row.columns +
           (row.tombstone ? ",\"tombstone\":true" : "") + (ends_lines_ ? "}},\n" : "}}");
  if (row.tombstone) return {};
  if (framing_ == Framing::json_array) return separator() + row.columns;
  row.columns += '\n';
  return std::move(row.columns);
}

std::string Framer::print_line(const engine::PushQuery::Row& row) const {
  const auto* timestamp = std::get_if<std::int64_t>(&row.at(2));
  const auto* partition = std::get_if<std::int32_t>(&row.at(3));
  return fmt::format("rowtime: {}, key: {}, value: {}, partition: {}\n",
                     rowtime_text(timestamp != nullptr ? *timestamp : 0), shown(row.at(0)),
                     shown(row.at(1)), partition != nullptr ? *partition : 0);
}

std::string Framer::notice(const engine::SkippedRecords& skipped) const {
  if (framing_ != Framing::delimited) return {};
  OrderedJson reasons;
  for (const auto& count : skipped.counts()) reasons[count.reason] = count.records;
  OrderedJson notice;
  notice["skipped"] = {{"records", skipped.records()}, {"reasons", std::move(reasons)}};
  return to_text(notice) + "\n";
}

std::string Framer::end(bool limit_reached, const engine::SkippedRecords& skipped) const {
  if (framing_ == Framing::json_array) return "]";
  if (framing_ != Framing::streamed_rows) return {};
  if (kind_ == QueryKind::pull) return "]";
  OrderedJson last;
  std::string message = limit_reached ? "Limit Reached" : "Query Completed";
  if (skipped.records() > 0) message += "; " + skipped.text();
  last["finalMessage"] = message;
  return to_text(last) + "]";
}

std::string Framer::end(const RestError& error) const {
  const OrderedJson entity = generic_entity(error);
  switch (framing_) {
    case Framing::delimited:
      return to_text(entity) + "\n";
    case Framing::json_array:
      return separator() + to_text(entity) + "]";
    case Framing::streamed_rows: {
      OrderedJson last;
      last["errorMessage"] = entity;
      return separator() + to_text(last) + "]";
    }
    case Framing::text:
      break;
  }
  return error.message + "\n";
}

std::string Framer::keep_alive() const {
  return ends_lines_ ? "\n" : "";
}

}  // namespace penstock::server
