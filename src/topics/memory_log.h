// The log in memory: for tests and trials. Nothing outlives the object.
#pragma once

#include <memory>

#include "topics/log.h"
#include "topics/state_key.h"

namespace penstock::topics {

std::unique_ptr<Log> make_memory_log(StateIdentity identity);

}  // namespace penstock::topics
