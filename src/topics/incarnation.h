// Names of openings of tasks.
#pragma once

#include "topics/checkpoint.h"

namespace penstock::topics {

// 16 bytes from the operating system's generator; no two are ever equal.
Incarnation new_incarnation();

}  // namespace penstock::topics
