// How a stream's declaration chooses encodings.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/error.h"
#include "data/schema.h"
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

// Place of the column that TIMESTAMP names; none when the stream names none. invalid_argument: no
// such column; unsupported: neither BIGINT nor TIMESTAMP.
Result<std::optional<std::size_t>> timestamp_column(const sql::StreamInfo& stream);

// A row whose timestamp column is null or negative.
inline constexpr std::string_view kInvalidTimestamp = "invalid_timestamp";

}  // namespace penstock::engine
