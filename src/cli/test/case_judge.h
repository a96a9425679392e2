// Whether a case went as it says (reference: ksqlDB's query tests).
#pragma once

#include <string>
#include <vector>

#include "cli/test/case_codec.h"

namespace penstock::cli {

// What is compared of a stream or table, in the fields of a case's post.sources.
ExactJson describe_source(const sql::StreamInfo& source);

// Empty: they agree. Topics that the case does not name are not compared.
std::string compare_outputs(const TestCase& test, const std::vector<DecodedRecord>& outputs);
// The keys (with their windows) and the newest value of each alone, for runs whose intermediate
// rows may differ. A key whose newest value is null need not be there.
std::string compare_final(const TestCase& test, const std::vector<DecodedRecord>& outputs);
// Whether a reader that always takes the oldest of its topics' next records could read the inputs
// in the case's order.
bool in_time_order(const TestCase& test);

// A topic in the fields of post.topics; formats are those of the source over it.
ExactJson describe_topic(const session::CaseTopic& topic, const TopicCoding& coding);

struct PostState {
  std::vector<ExactJson> sources, topics;  // of describe_source and describe_topic
};
std::string compare_post(const ExactJson& post, const PostState& state);

}  // namespace penstock::cli
