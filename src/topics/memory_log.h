// The log in memory: for tests and trials. Nothing outlives the object.
#pragma once

#include <memory>

#include "topics/log.h"

namespace penstock::topics {

std::unique_ptr<Log> make_memory_log();

}  // namespace penstock::topics
