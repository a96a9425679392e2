// What formats can carry, and other rules on a source's description. Private to sql.
#pragma once

#include "sql/diagnostic.h"
#include "sql/stream_settings.h"

namespace penstock::sql {

// Whether formats can carry the columns. Spans: where a message points.
struct FormatPlaces {
  SourceSpan key, value;
};
Parsed<void> check_formats(const SourceInfo& source, FormatPlaces places);

// TIMESTAMP='column': a BIGINT or TIMESTAMP column, or with TIMESTAMP_FORMAT a STRING column.
Parsed<void> check_timestamp(const SourceInfo& source, const StreamSettings& settings);

// WRAP_SINGLE_VALUE against the format and the number of value columns; sets it in the source.
Parsed<void> apply_wrapping(const StreamSettings& settings, std::optional<bool> otherwise,
                            SourceInfo& source);
// KEY_DELIMITER and VALUE_DELIMITER.
Parsed<void> apply_delimiters(const StreamSettings& settings, SourceInfo& source);
// WINDOW_TYPE and WINDOW_SIZE.
Parsed<void> apply_window(const StreamSettings& settings, SourceInfo& source);

}  // namespace penstock::sql
