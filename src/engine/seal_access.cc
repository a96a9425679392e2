#include "engine/seal_access.h"

#include <fmt/format.h>

#include "seal/grant.h"

namespace penstock::engine {

Result<> require_policy(const seal::KeySource* keys, std::string_view topic,
                        std::string_view policy_id) {
  if (keys != nullptr && keys->policy(policy_id)) return {};
  return fail(ErrorCode::permission_denied,
              fmt::format("topic '{}' is sealed under policy '{}', and there are no keys of that "
                          "policy here; give them with --keys",
                          topic, policy_id));
}

Result<> require_plain_topic(topics::Log& log, const sql::StreamInfo& stream) {
  if (stream.seal.kind != sql::SealKind::none || stream.seal.none_said) return {};
  const auto grants = TRY(topics::TopicName::parse(seal::grants_topic(stream.topic)));
  Result<topics::TopicInfo> found = log.describe(grants);
  if (!found && found.error().code() == ErrorCode::not_found) return {};
  if (!found)
    return fail(found.error().in(fmt::format(
        "whether the records of topic '{}' are sealed (SEAL='none' in the stream's WITH clause "
        "says that plain ones are meant)",
        stream.topic)));
  return fail(sealed_topic_in_clear(stream));
}

Error sealed_topic_in_clear(const sql::StreamInfo& stream) {
  return Error(ErrorCode::permission_denied,
               fmt::format("Stream '{}': the records of topic '{}' are sealed (it has grants), so "
                           "it is not used in clear. Add SEAL='psr1', KEY_POLICY='<policy>' to the "
                           "WITH clause, or SEAL='none' if plain records are meant.",
                           stream.name, stream.topic));
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
