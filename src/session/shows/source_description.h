// A stream or table as DESCRIBE shows it, and SHOW STREAMS EXTENDED.
#pragma once

#include "session/shows/show.h"

namespace penstock::session::shows {

struct DescribedSource {
  const sql::SourceInfo& source;
  std::int32_t partitions = 0;
  std::vector<QueryRow> readers = {}, writers = {};
  bool extended = false;
};

// With its topic's partitions and its queries. Errors of the log.
Result<DescribedSource> described(const ShowContext& context, const sql::SourceInfo& source,
                                  bool extended);
OrderedJson to_shape(const DescribedSource& described);  // of "sourceDescription"

}  // namespace penstock::session::shows
