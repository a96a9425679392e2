// Whose checkpoints a session's log writes, for those who open the log.
#pragma once

#include "engine/state_key.h"

namespace penstock::session {

using engine::state_identity;

}  // namespace penstock::session
