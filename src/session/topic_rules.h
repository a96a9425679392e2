// Which topics a stream needs, and whether this process may use them.
#pragma once

#include "seal/key_source.h"
#include "session/effects.h"

namespace penstock::session {

enum class Use : std::uint8_t { declare, read, write };

// Fails closed: a sealed stream needs a policy among the keys that names its topic, and for reading
// or writing the key for that; a plain stream may not lie on a topic that a loaded policy covers.
// permission_denied names stream, topic and policy.
Result<> check_seal(const sql::StreamInfo& stream, const seal::KeySource* keys, Use use);

// Makes the stream's topic and, when it is sealed, the topic of its grants, unless they are there.
// `partitions` is for a topic that is missing and has no PARTITIONS; absent: not_found, with what
// to do. failed_precondition: the topic has another number than PARTITIONS says.
// permission_denied: the stream is plain, does not say SEAL='none', and the topic has grants.
Result<> ensure_topics(const sql::StreamInfo& stream, std::optional<std::int32_t> partitions,
                       Effects& effects);

// failed_precondition: sources that a plan joins by their keys have different numbers of
// partitions, so that equal keys do not meet. Of a topic that is not there yet the stream's
// PARTITIONS counts; without them the query's start decides.
Result<> check_joined_partitions(const sql::PlanNode& plan, Effects& effects);

// The same for what a plan writes: a topic that is missing gets `partitions`; absent: as many as
// the largest source. not_found: the topic of a source is gone.
Result<> ensure_sink_topics(const sql::PlanNode& plan, std::optional<std::int32_t> partitions,
                            Effects& effects);

}  // namespace penstock::session
