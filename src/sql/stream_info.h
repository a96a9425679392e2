// What the catalogue knows of a stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/schema.h"

namespace penstock::sql {

enum class FormatKind : std::uint8_t { json, delimited, kafka, none };
std::string_view name_of(FormatKind format);  // "JSON", ...

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

struct StreamInfo {
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
};

// Whether records that a stateless query writes to a stream have the headers of those that it read
// from another: as its HEADERS says, else unless those are sealed (their headers are not).
bool passes_headers(const StreamInfo& from, const StreamInfo& to);

// What the binder looks names up in. session implements it.
class Catalogue {
 public:
  virtual ~Catalogue() = default;
  virtual const StreamInfo* find(std::string_view name) const = 0;
  virtual std::vector<std::string> names() const = 0;  // for "did you mean"
};

}  // namespace penstock::sql
