#include "engine/seal_access.h"

#include <fmt/format.h>

namespace penstock::engine {

Result<> require_policy(const seal::KeySource* keys, std::string_view topic,
                        std::string_view policy_id) {
  if (keys != nullptr && keys->policy(policy_id)) return {};
  return fail(ErrorCode::permission_denied,
              fmt::format("topic '{}' is sealed under policy '{}', and there are no keys of that "
                          "policy here; give them with --keys",
                          topic, policy_id));
}

Result<> require_kept_timestamps(const topics::TopicInfo& topic) {
  if (topic.rules.keeps_timestamps) return {};
  return fail(ErrorCode::failed_precondition,
              fmt::format("topic '{}' replaces its records' timestamps (LogAppendTime), to which "
                          "sealed records are bound, so they would not open: set "
                          "message.timestamp.type=CreateTime on it",
                          topic.spec.name.text()));
}

}  // namespace penstock::engine
