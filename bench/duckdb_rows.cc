// The same queries in DuckDB, where its Python package is there (PENSTOCK_DUCKDB_PYTHON names the
// interpreter, python3 by default): the same JSON lines read and JSON lines written.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/source_tree.h"
#include "bench/bids.h"
#include "bench/rows.h"

namespace penstock::bench {
namespace {

constexpr int kNoPackage = 3;  // duckdb_query.py's exit status

Result<> write_lines_of_bids(const std::filesystem::path& path, std::uint64_t records) {
  if (std::filesystem::exists(path)) return {};
  std::ofstream out(path, std::ios::binary);
  BidLines bids(Extra::none);
  for (std::uint64_t i = 0; i < records; ++i) out << bids.next() << '\n';
  if (!out.flush())
    return fail(ErrorCode::io, fmt::format("'{}' cannot be written", path.string()));
  return {};
}

Result<Measurement> run_duckdb(std::string_view query, const Settings& settings) {
  const std::filesystem::path bids = settings.folder / "bids.ndjson";
  TRY(write_lines_of_bids(bids, settings.records));
  const char* named = std::getenv("PENSTOCK_DUCKDB_PYTHON");
  const std::string python = named != nullptr ? named : "python3";
  const std::filesystem::path program = source_tree() / "bench/duckdb_query.py";
  const std::string command =
      fmt::format("'{}' '{}' {} '{}' '{}' 2>&1", python, program.string(), query, bids.string(),
                  (settings.folder / "duckdb.ndjson").string());
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return fail(ErrorCode::unavailable, "no process for DuckDB");
  std::array<char, 256> said{};
  const char* line = std::fgets(said.data(), static_cast<int>(said.size()), pipe);
  const std::string first = line != nullptr ? line : "";
  while (std::fgets(said.data(), static_cast<int>(said.size()), pipe) != nullptr) continue;
  const int status = ::pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoPackage)
    return fail(ErrorCode::unavailable,
                fmt::format("{} has no DuckDB (pip install duckdb)", python));
  if (status != 0)
    return fail(ErrorCode::unavailable, fmt::format("DuckDB did not run: {}", first));
  return Measurement{settings.records, std::strtod(first.c_str(), nullptr)};
}

Row duckdb(std::string_view name, std::string_view share_of, std::string_view what,
           std::string_view query) {
  return {.name = name,
          .share_of = share_of,
          .what = what,
          .run = [query](const Settings& s, int) { return run_duckdb(query, s); },
          .may_lack = true};
}

}  // namespace

std::vector<Row> duckdb_rows() {
  return {
      duckdb("duckdb_q0", "nexmark_q0_plain", "DuckDB, one thread: five columns", "q0"),
      duckdb("duckdb_q1", "nexmark_q1_plain", "DuckDB, one thread: the price as DECIMAL", "q1"),
      duckdb("duckdb_q2", "nexmark_q2_plain", "DuckDB, one thread: a filter", "q2"),
  };
}

}  // namespace penstock::bench
