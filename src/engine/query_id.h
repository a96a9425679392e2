// Names of queries.
#pragma once

#include <string>

#include "base/strong.h"

namespace penstock::engine {

struct QueryIdTag;
using QueryId = Strong<QueryIdTag, std::string>;  // "CSAS_MASKED_1", "INSERTQUERY_2"

}  // namespace penstock::engine
