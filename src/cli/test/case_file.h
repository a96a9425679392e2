// Files of test cases in ksqlDB's query-test format (docs/test.md).
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/test/exact_json.h"

namespace penstock::cli {

struct CaseWindow {
  std::int64_t start_ms = 0, end_ms = 0;
  bool session = false;
  friend bool operator==(const CaseWindow&, const CaseWindow&) = default;
};

struct WrittenRecord {
  std::string topic;
  ExactJson key, value;
  std::optional<std::int64_t> timestamp_ms;
  std::optional<CaseWindow> window;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;  // values in base64
};

struct WrittenTopic {
  std::string name;
  std::int32_t partitions = 1;
};

// One case, with {FORMAT} and {CONFIG} filled in.
struct TestCase {
  std::string id;
  std::vector<std::string> statements;
  std::map<std::string, std::string> properties;
  bool exact_numbers = true;
  std::vector<WrittenTopic> topics;
  std::vector<WrittenRecord> inputs, outputs;
  bool expects_failure = false;
  ExactJson post;  // null: nothing is said of it
};

// invalid_argument: the file is no such file; names what is wrong.
Result<std::vector<TestCase>> read_case_file(const std::filesystem::path& file);

}  // namespace penstock::cli
