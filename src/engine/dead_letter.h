// Dead letters: records that a query could not open, decode or compute, kept as they came.
#pragma once

#include <string>
#include <string_view>

#include "data/time.h"
#include "topics/log.h"
#include "topics/record.h"

namespace penstock::engine {

// "<query id>.dead_letters". A dead letter has the key, value and timestamp of the record it keeps,
// byte for byte (sealed ones stay sealed: our headers are the context in which they open), our
// headers (topics/own_headers.h) and then those of the record: as many as fit, those that begin
// like ours renamed. A timestamp below what the topic takes is raised to that.
std::string dead_letters_topic(std::string_view query_id);

// Where a record came from. Views.
struct Origin {
  const topics::TopicPartition& partition;
  topics::Offset offset = 0;
  std::string_view epoch = {};  // empty: none is known
};

// Adds one dead letter to a batch for the topic above, which has these rules.
void append_dead_letter(const topics::RecordView& record, const Origin& origin,
                        std::string_view reason, std::string_view query_id,
                        const topics::TopicRules& rules, topics::RecordBatch& to);

// Makes the topic (one partition per source partition) when it is missing. failed_precondition: it
// is there with fewer partitions.
Result<topics::TopicInfo> ensure_dead_letters_topic(topics::Log& log,
                                                    const topics::TopicName& topic,
                                                    std::int32_t partitions);

}  // namespace penstock::engine
