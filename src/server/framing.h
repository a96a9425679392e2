// How rows of a query travel: ksqlDB's three framings and PRINT's lines of text.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/schema.h"
#include "engine/runtime.h"
#include "server/error_body.h"

namespace penstock::server {

enum class Framing : std::uint8_t {
  delimited,      // a line of meta data, then one JSON array per line
  json_array,     // the same as one JSON array
  streamed_rows,  // a JSON array of {"header":..}, {"row":..}, {"finalMessage":..}, one per line
  text,           // PRINT
};
std::string_view content_type(Framing framing);

inline constexpr std::string_view kDelimitedType = "application/vnd.ksqlapi.delimited.v1";
// A request's field: "skipped" asks for a line, between rows of the delimited framing, that says
// how many records were left out. Not without being asked: ksqlDB's clients take an object for an
// error.
inline constexpr std::string_view kNoticesField = "Penstock-Notices";
inline constexpr std::string_view kSkippedNotices = "skipped";
inline constexpr std::string_view kV1Type = "application/vnd.ksql.v1+json";

// What the Accept field asks for; absent: nothing that we have (406).
std::optional<Framing> framing_for_query(std::string_view accept);         // POST /query
std::optional<Framing> framing_for_query_stream(std::string_view accept);  // POST /query-stream

enum class QueryKind : std::uint8_t { push, pull };

// Writes one answer. Each returned text is one chunk. Push queries: every line is complete when it
// is sent, so that a client sees a row when it happens and not when the next one does.
class Framer {
 public:
  Framer(Framing framing, QueryKind kind, std::string query_id, data::Schema schema);

  std::string head() const;
  std::string row(const engine::PushQuery::Row& row) const;
  // Not of Framing::text. Empty: the framing has no place for a tombstone.
  std::string json_row(engine::PushQuery::JsonRow row) const;
  // For a client that asked for notices: {"skipped":{"records":3,"reasons":{"malformed_json":3}}},
  // so far. Empty where the framing has no place for it.
  std::string notice(const engine::SkippedRecords& skipped) const;
  // The end: after LIMIT, after the last row, or for a reason. The final message says what was
  // left out.
  std::string end(bool limit_reached, const engine::SkippedRecords& skipped) const;
  std::string end(const RestError& error) const;
  // A sign of life on a silent query; empty where the framing has none.
  std::string keep_alive() const;

 private:
  std::string separator() const;
  std::string print_line(const engine::PushQuery::Row& row) const;

  const Framing framing_;
  const QueryKind kind_;
  const std::string query_id_;
  const data::Schema schema_;
  bool ends_lines_;  // the separator follows its object instead of preceding the next
};

}  // namespace penstock::server
