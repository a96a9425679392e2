// For those who read a partition to an end that they know, whatever the log's way of fetching.
#pragma once

#include "topics/log.h"

namespace penstock::topics {

// As reader.next(), but waits for records that are there and not at hand yet. 0: position() has
// reached `end` (of Reader::end() or Log::describe()). Records beyond `end` may come along.
// unavailable: nothing came for half a minute.
Result<std::size_t> next_before(Log& log, Reader& reader, Offset end, ReadBuffer& buffer,
                                std::size_t bytes_max);

}  // namespace penstock::topics
