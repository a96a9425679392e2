// PRINT topic: records as they lie in the log. Nothing is opened: of sealed records only the length
// is shown.
#pragma once

#include <memory>

#include "engine/runtime.h"
#include "sql/statement.h"
#include "topics/log.h"

namespace penstock::session {

// Rows: KEY STRING, VALUE STRING, TIMESTAMP BIGINT (ms), PARTITION INTEGER, OFFSET BIGINT. From the
// end of the topic on, or from its beginning; goes on until LIMIT or cancel(). The log outlives it.
Result<std::unique_ptr<engine::PushQuery>> start_print(topics::Log& log,
                                                       const sql::PrintTopic& print);

// What PRINT shows of a key or value: UTF-8 text, "<sealed, N bytes>" for PSR-1 records and grants,
// "<N bytes>" for other bytes; absent for null.
std::optional<std::string> shown(Slice bytes);

}  // namespace penstock::session
