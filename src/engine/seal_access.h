// Whether a topic can be sealed here: keys, and a log that keeps what records are bound to.
#pragma once

#include <string_view>

#include "base/error.h"
#include "seal/key_source.h"
#include "sql/stream_info.h"
#include "topics/log.h"

namespace penstock::engine {

// permission_denied, naming topic and policy, unless the source knows the policy. Whether its keys
// allow reading or writing is for opener and sealer to say.
Result<> require_policy(const seal::KeySource* keys, std::string_view topic,
                        std::string_view policy_id);

// For a stream that is not sealed. permission_denied when the topic has grants, so its records are
// sealed, and the statement does not say SEAL='none'; or when that can't be asked.
Result<> require_plain_topic(topics::Log& log, const sql::StreamInfo& stream);
Error sealed_topic_in_clear(const sql::StreamInfo& stream);  // that permission_denied

// failed_precondition when the log puts timestamps of its own in place of the records'.
Result<> require_kept_timestamps(const topics::TopicInfo& topic);

}  // namespace penstock::engine
