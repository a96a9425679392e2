// Answers to statements, for people.
#pragma once

#include <string>

#include "base/json.h"
#include "cli/console/page_text.h"

namespace penstock::cli {

// One entity of a ksqlDB REST answer as text that ends with a newline; unknown ones as JSON.
std::string entity_text(const OrderedJson& entity, const TextStyle& style);

}  // namespace penstock::cli
