// What the catalogue knows of a stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/schema.h"

namespace penstock::sql {

// The last four need what is not there yet: they are known by name.
enum class FormatKind : std::uint8_t {
  json,
  delimited,
  kafka,
  none,
  avro,
  protobuf,
  json_sr,
  protobuf_nosr
};
std::string_view name_of(FormatKind format);                 // "JSON", ...
std::optional<FormatKind> format_of(std::string_view name);  // in upper case

enum class SourceKind : std::uint8_t { stream, table };
std::string_view name_of(SourceKind kind);  // "STREAM", "TABLE"

enum class WindowKind : std::uint8_t { tumbling, hopping, session };
std::string_view name_of(WindowKind kind);  // "TUMBLING", ...

// Of a source whose keys are windowed: a record's key bytes are those of its key columns, then 8
// bytes of the window's start (big endian), before which a session has 8 bytes of its end.
struct WindowInfo {
  WindowKind kind = WindowKind::tumbling;
  std::optional<std::int64_t> size_ms;  // absent: session
  friend bool operator==(const WindowInfo&, const WindowInfo&) = default;
};

// A column that a record's headers fill: HEADER('key') BYTES, the newest header of that name;
// HEADERS ARRAY<STRUCT<KEY STRING, VALUE BYTES>>, all of them.
struct HeaderColumn {
  std::size_t column;              // of the schema, role `header`
  std::optional<std::string> key;  // absent: all
  friend bool operator==(const HeaderColumn&, const HeaderColumn&) = default;
};

// What becomes of a row with an expression that failed: WITH (ON_ERROR='...').
enum class OnError : std::uint8_t { null_column, dead_letter, stop };

// Protection of a topic's records: WITH (SEAL='psr1', KEY_POLICY='payments-v1').
enum class SealKind : std::uint8_t { none, psr1 };
struct SealSpec {
  SealKind kind = SealKind::none;
  std::string policy;      // id; empty when kind is none
  bool none_said = false;  // SEAL='none' stands there: plain records beside sealed ones are meant
  friend bool operator==(const SealSpec&, const SealSpec&) = default;
};

// Of the records that a query reads, on those that it writes: WITH (HEADERS='pass').
enum class HeaderRule : std::uint8_t { pass, drop };

// A stream or table.
struct SourceInfo {
  std::string name;  // "PAYMENTS"
  data::Schema schema;
  std::string topic;  // "payments"
  FormatKind key_format = FormatKind::kafka;
  FormatKind value_format = FormatKind::json;
  std::string value_delimiter = ",";  // DELIMITED
  SealSpec seal;
  std::optional<std::int32_t>
      partitions;  // PARTITIONS; absent: the topic exists or gets the default
  std::optional<std::int64_t> retention_ms;     // RETENTION_MS; absent: the topic's, or for ever
  std::optional<std::string> timestamp_column;  // TIMESTAMP
  std::optional<HeaderRule> headers;            // HEADERS; absent: see passes_headers
  std::string statement;                        // the text that made it
  SourceKind kind = SourceKind::stream;
  bool from_query = false;  // CREATE ... AS SELECT
  bool read_only = false;   // CREATE SOURCE ...: nothing writes it, nothing drops its topic
  std::optional<WindowInfo> window = {};  // WINDOW_TYPE, WINDOW_SIZE, or of a windowed grouping
  std::string key_delimiter = ",";        // DELIMITED
  std::optional<std::string> timestamp_format = {};  // TIMESTAMP_FORMAT, java.time's letters
  std::optional<bool> wrap_single_value = {};  // WRAP_SINGLE_VALUE; absent: as the format does
  std::vector<HeaderColumn> header_columns = {};
  OnError on_error = OnError::null_column;  // of the query that writes it
  bool strict_time = false;  // of one query's source: a record without a time ends the query
  // A topic between stages of one query: engine's own encoding, sealed under the state key.
  bool exchange = false;

  bool is_table() const { return kind == SourceKind::table; }
};
using StreamInfo = SourceInfo;

// Whether records that a stateless query writes to a stream have the headers of those that it read
// from another: as its HEADERS says, else unless those are sealed (their headers are not).
bool passes_headers(const StreamInfo& from, const StreamInfo& to);

// What the binder looks names up in. session implements it.
class Catalogue {
 public:
  virtual ~Catalogue() = default;
  virtual const StreamInfo* find(std::string_view name) const = 0;
  virtual std::vector<std::string> names() const = 0;  // for "did you mean"
  // Custom types (CREATE TYPE); nullptr: there is none of this name.
  virtual const data::Type* find_type(std::string_view name) const {
    (void)name;
    return nullptr;
  }
  virtual std::vector<std::string> type_names() const { return {}; }
};

}  // namespace penstock::sql
