// Answers to statements, for people.
#pragma once

#include <string>

#include "base/json.h"
#include "cli/console/table.h"

namespace penstock::cli {

struct TextStyle {
  std::size_t columns_max = 0;  // of the terminal; 0: none
  Overlong overlong = Overlong::cut;
};

// One entity of a ksqlDB REST answer as text that ends with a newline; unknown ones as JSON.
std::string entity_text(const OrderedJson& entity, const TextStyle& style);

}  // namespace penstock::cli
