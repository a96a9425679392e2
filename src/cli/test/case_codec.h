// Records of test cases: values as cases write them to bytes of a topic, and back.
#pragma once

#include <optional>
#include <string>

#include "cli/test/case_file.h"
#include "session/case_run.h"

namespace penstock::cli {

// How a topic's records are encoded, by the stream or table that is declared over it.
struct TopicCoding {
  const sql::StreamInfo* source = nullptr;  // null: none is; keys and values are texts
};

// The first source over the topic; those whose statement comes first win.
TopicCoding coding_of(const session::StreamCatalogue& catalogue, const std::string& topic);

// invalid_argument: a key or value that its format cannot write.
Result<session::CaseRecord> encode_record(const WrittenRecord& record, const TopicCoding& coding);

struct DecodedRecord {
  std::string topic;
  ExactJson key, value;
  std::int64_t timestamp_ms = 0;
  std::optional<CaseWindow> window;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;  // values in base64
};
DecodedRecord decode_record(const session::CaseRecord& record, const TopicCoding& coding);

}  // namespace penstock::cli
