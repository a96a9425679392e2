// Whether a topic can be sealed here: keys, and a log that keeps what records are bound to.
#pragma once

#include <string_view>

#include "base/error.h"
#include "seal/key_source.h"
#include "topics/log.h"

namespace penstock::engine {

// permission_denied, naming topic and policy, unless the source knows the policy. Whether its keys
// allow reading or writing is for opener and sealer to say.
Result<> require_policy(const seal::KeySource* keys, std::string_view topic,
                        std::string_view policy_id);

// failed_precondition when the log puts timestamps of its own in place of the records'.
Result<> require_kept_timestamps(const topics::TopicInfo& topic);

}  // namespace penstock::engine
