// Parts of ksqlDB's entities that several of them have.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "data/schema.h"
#include "session/session.h"

namespace penstock::session::shows {

OrderedJson fields_of(const data::Schema& schema);
OrderedJson query_of(const QueryRow& row);
OrderedJson strings(const std::vector<std::string>& texts);

}  // namespace penstock::session::shows
