// What the benchmark can run. A row's share is what it reaches of another row of the same run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace penstock::bench {

struct Settings {
  std::uint64_t records = 2'000'000;
  std::filesystem::path folder;  // for data; made before, removed after
};

struct Measurement {
  std::uint64_t records = 0;
  double cpu_seconds = 0;
  std::string note = {};  // what the columns do not say
  // Of the wall clock, where another process is the limit: rounds and shares go by it then.
  double seconds = 0;
};

struct Row {
  std::string_view name;
  std::string_view share_of;  // empty: a limit itself
  std::string_view what;      // one line for the reader
  // unavailable, of rows that are on request or may lack something: the row is skipped.
  std::function<Result<Measurement>(const Settings&, int round)> run;
  bool on_request = false;  // only when named
  bool may_lack = false;    // what it needs may not be installed
};

std::vector<Row> roofline_rows();
std::vector<Row> verify_rows();
std::vector<Row> engine_rows();
std::vector<Row> nexmark_rows();
std::vector<Row> duckdb_rows();
std::vector<Row> checkpoint_rows();
std::vector<Row> scale_rows();
std::vector<Row> attest_rows();
std::vector<Row> hostile_rows();
std::vector<Row> epoch_rows();
std::vector<Row> kafka_rows();
std::vector<Row> kafka_scale_rows();
std::vector<Row> mqtt_rows();

}  // namespace penstock::bench
