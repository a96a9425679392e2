// The order of texts: see data/text_order.h.
#pragma once

#include "data/text_order.h"

namespace penstock::engine::functions {

using data::compare_bytes;
using data::compare_strings;
using data::equal_texts;

}  // namespace penstock::engine::functions
