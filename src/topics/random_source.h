// Where incarnations come from.
#pragma once

#include <functional>

#include "base/bytes.h"

namespace penstock::topics {

using RandomSource = std::function<void(ByteSpan)>;  // fills it; thread-safe

// The kernel's.
void kernel_random(ByteSpan into);

}  // namespace penstock::topics
