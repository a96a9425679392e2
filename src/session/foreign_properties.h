// Properties of ksqlDB and Kafka that mean nothing here.
#pragma once

#include <string_view>

namespace penstock::session {

// Whether ksqlDB would take a property of this name that has no effect here: SET takes it too, and
// says so.
bool is_foreign_property(std::string_view name);

}  // namespace penstock::session
