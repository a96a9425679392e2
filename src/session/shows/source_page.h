// How the console shows a stream or table, and what queries have of it.
#pragma once

#include <string>

#include "base/json.h"
#include "session/shows/page.h"

namespace penstock::session::shows {

void append_source(Page& page, const OrderedJson& source);  // of "sourceDescription"
PageTable fields_table(const OrderedJson& fields);          // of "fields"

// RUNNING, or in words what an older server counts.
std::string state_of(const OrderedJson& query, const char* member = "state");

}  // namespace penstock::session::shows
