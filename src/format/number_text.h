// JSON numbers that become texts. Private to format.
#pragma once

#include <string_view>

#include "data/arena.h"

namespace penstock::format {

// The text that ksqlDB reads a JSON number as: whole numbers as they are, others as the JVM prints
// a BigDecimal of them (1e5 is 1E+5, 0.0000001 is 1E-7, 1.50 stays). `number` is a JSON number.
bool is_printed_so(std::string_view number);
std::string_view number_text(std::string_view number, data::Arena& arena);

}  // namespace penstock::format
