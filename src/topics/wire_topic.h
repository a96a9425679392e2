// What a topic is like, in frames.
#pragma once

#include "topics/log.h"
#include "topics/wire.h"

namespace penstock::topics {

// i64 age in ms, i64 bytes; -1: none.
void encode_retention(WireOut& out, const Retention& retention);
Result<Retention> decode_retention(WireIn& in);  // checked (check_retention)

}  // namespace penstock::topics
