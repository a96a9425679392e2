// How a stream's declaration chooses encodings.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/error.h"
#include "data/column.h"
#include "data/schema.h"
#include "engine/functions/time_pattern.h"
#include "engine/functions/time_zone.h"
#include "format/kind.h"
#include "sql/stream_info.h"

namespace penstock::engine {

// A JSON key of one column is its bare value; a JSON value is an object.
Result<format::Options> key_options(const sql::StreamInfo& stream);
Result<format::Options> value_options(const sql::StreamInfo& stream);

// The columns of one role, in order, with their places in the stream's schema.
struct RoleColumns {
  data::Schema schema;
  std::vector<std::size_t> places;
};
RoleColumns columns_of(const data::Schema& schema, data::ColumnRole role);

// The column that TIMESTAMP names, and how its values are times: BIGINT and TIMESTAMP as they are,
// STRING by TIMESTAMP_FORMAT.
class TimestampRule {
 public:
  // invalid_argument: no such column, a malformed pattern; unsupported: another type.
  static Result<std::optional<TimestampRule>> of(const sql::StreamInfo& stream);

  std::size_t place() const { return place_; }  // in the stream's schema
  // nullopt: null, negative, or no time of the pattern. A text that names no zone is in UTC.
  std::optional<data::TimestampMs> read(const data::Column& column, data::RowIndex row);

 private:
  std::optional<data::TimestampMs> time_of(std::string_view text);

  std::size_t place_ = 0;
  std::optional<functions::TimePattern> pattern_;
  functions::LastZone zones_;
};

// A row whose timestamp column is null or negative.
inline constexpr std::string_view kInvalidTimestamp = "invalid_timestamp";

}  // namespace penstock::engine
