// Whether there are keys at all for a sealed topic.
#pragma once

#include <string_view>

#include "base/error.h"
#include "seal/key_source.h"

namespace penstock::engine {

// permission_denied, naming topic and policy, unless the source knows the policy. Whether its keys
// allow reading or writing is for opener and sealer to say.
Result<> require_policy(const seal::KeySource* keys, std::string_view topic,
                        std::string_view policy_id);

}  // namespace penstock::engine
