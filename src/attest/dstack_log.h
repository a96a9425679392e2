// The event log of dstack's guests: a JSON list of extensions of RTMR0 to RTMR3. Private to attest.
#pragma once

#include <array>

#include "base/bytes.h"

namespace penstock::attest {

// The registers that it replays to. invalid_argument: malformed, or an event of RTMR3 whose digest
// is not that of its type, name and payload.
Result<std::array<ByteBuffer, 4>> replay_dstack_log(ByteView json);

}  // namespace penstock::attest
