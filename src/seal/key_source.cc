#include "seal/key_source.h"

#include <fmt/format.h>

namespace penstock::seal {

Result<const Policy*> policy_for_topic(const KeySource& keys, std::string_view topic) {
  const Policy* found = nullptr;
  for (const std::string& id : keys.policy_ids()) {
    const Policy* policy = TRY(keys.policy(id));
    if (!policy->covers(topic)) continue;
    if (found != nullptr)
      return fail(ErrorCode::failed_precondition,
                  fmt::format("policies '{}' and '{}' both cover topic '{}'; name one", found->id(),
                              policy->id(), topic));
    found = policy;
  }
  if (found == nullptr)
    return fail(ErrorCode::not_found, fmt::format("no known policy covers topic '{}'", topic));
  return found;
}

}  // namespace penstock::seal
