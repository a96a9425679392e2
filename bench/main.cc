// Runs rows, interleaved over rounds, takes each one's best round, and prints what share of its
// limit each reaches: by the best rounds, and the median of what each round says, which a machine
// that is now fast, now slow disturbs less.
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <set>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/json.h"
#include "base/log.h"
#include "bench/measure.h"
#include "bench/rows.h"

namespace penstock::bench {
namespace {

struct Options {
  std::vector<std::string> names;
  std::string json;
  std::uint64_t records = 2'000'000;
  int rounds = 3;
};

std::vector<Row> all_rows() {
  std::vector<Row> all = roofline_rows();
  for (Row& row : verify_rows()) all.push_back(row);
  for (Row& row : engine_rows()) all.push_back(row);
  for (Row& row : nexmark_rows()) all.push_back(row);
  for (Row& row : duckdb_rows()) all.push_back(row);
  for (Row& row : checkpoint_rows()) all.push_back(row);
  for (Row& row : scale_rows()) all.push_back(row);
  for (Row& row : attest_rows()) all.push_back(row);
  for (Row& row : hostile_rows()) all.push_back(row);
  for (Row& row : epoch_rows()) all.push_back(row);
  for (Row& row : kafka_rows()) all.push_back(row);
  for (Row& row : kafka_scale_rows()) all.push_back(row);
  for (Row& row : mqtt_rows()) all.push_back(row);
  return all;
}

// A row's whole name means that row, another text all rows that begin with it.
bool means(std::string_view name, const Row& row, const std::vector<Row>& all) {
  if (std::ranges::find(all, name, &Row::name) != all.end()) return row.name == name;
  return row.name.starts_with(name);
}

// The rows asked for and those that their shares refer to, in order.
std::vector<Row> chosen_rows(const std::vector<std::string>& names) {
  std::vector<Row> all = all_rows();
  std::set<std::string_view> wanted;
  for (const Row& row : all)
    for (const std::string& name : names)
      if (means(name, row, all)) wanted.insert(row.name);
  if (names.empty())
    for (const Row& row : all)
      if (!row.on_request) wanted.insert(row.name);
  for (std::size_t grown = 0; grown != wanted.size();) {
    grown = wanted.size();
    for (const Row& row : all)
      if (wanted.contains(row.name) && !row.share_of.empty()) wanted.insert(row.share_of);
  }
  std::erase_if(all, [&](const Row& row) { return !wanted.contains(row.name); });
  return all;
}

struct Best {
  std::map<std::string_view, Measurement> measured;
  std::map<std::string_view, std::map<int, double>> costs;  // of each round
  std::map<std::string_view, std::string> skipped;          // why
};

double per_million(const Measurement& m) {
  return m.cpu_seconds / static_cast<double>(m.records) * 1e6;
}

// What rounds and shares go by.
double cost(const Measurement& m) {
  return m.seconds > 0 ? m.seconds / static_cast<double>(m.records) : per_million(m);
}

Result<Best> run_rounds(const std::vector<Row>& rows, const Settings& settings, int rounds) {
  Best best;
  for (int round = 0; round < rounds; ++round) {
    for (const Row& row : rows) {
      if (isatty(2)) fmt::print(stderr, "\r\033[Kround {} of {}: {}", round + 1, rounds, row.name);
      Result<Measurement> measured = row.run(settings, round);
      const bool may_skip = row.on_request || row.may_lack;
      if (!measured && may_skip && measured.error().code() == ErrorCode::unavailable) {
        best.skipped.insert_or_assign(row.name, measured.error().text());
        continue;
      }
      Measurement seen = TRY_IN(std::move(measured), row.name);
      auto [at, first] = best.measured.try_emplace(row.name, seen);
      if (!first && cost(seen) < cost(at->second)) at->second = seen;
      best.costs[row.name][round] = cost(seen);
    }
  }
  if (isatty(2)) fmt::print(stderr, "\r\033[K");
  return best;
}

// Of the rounds in which both were measured.
double median_share(const Best& best, std::string_view row, std::string_view of) {
  std::vector<double> shares;
  for (const auto& [round, spent] : best.costs.at(row))
    if (const auto& others = best.costs.at(of); others.contains(round))
      shares.push_back(others.at(round) / spent);
  if (shares.empty()) return 0;
  const auto middle = shares.begin() + static_cast<std::ptrdiff_t>(shares.size() / 2);
  std::ranges::nth_element(shares, middle);
  return *middle;
}

void report_skipped(std::string_view name, const std::string& why, OrderedJson& json) {
  fmt::print("{:<24} skipped: {}\n", name, why);
  json.push_back({{"name", name}, {"skipped", why}});
}

void report(const Row& row, const Best& best, OrderedJson& json) {
  const Measurement& m = best.measured.at(row.name);
  OrderedJson entry = {{"name", row.name},
                       {"records", m.records},
                       {"cpu_s_per_million", per_million(m)},
                       {"share_of", nullptr},
                       {"share", nullptr}};
  OrderedJson& rounds = entry["rounds"] = OrderedJson::array();
  for (const auto& [round, spent] : best.costs.at(row.name)) rounds.push_back(spent);
  std::string share, median;
  if (const auto of = best.measured.find(row.share_of); of != best.measured.end()) {
    double value = cost(of->second) / cost(m);
    entry["share_of"] = row.share_of;
    entry["share"] = value;
    const double middle = median_share(best, row.name, row.share_of);
    entry["median_share"] = middle;
    share = fmt::format("{:.3f}", value);
    median = fmt::format("{:.3f}", middle);
  }
  fmt::print("{:<24} {:>10} {:>12.3f} {:>8} {:>8}  {}\n", row.name, m.records, per_million(m),
             share, median, row.share_of);
  if (!m.note.empty()) {
    fmt::print("    {}\n", m.note);
    entry["note"] = m.note;
  }
  json.push_back(std::move(entry));
}

void report_all(const std::vector<Row>& rows, const Best& best, OrderedJson& json) {
  fmt::print("{:<24} {:>10} {:>12} {:>8} {:>8}  {}\n", "row", "records", "CPU s / 1 M", "share",
             "median", "of");
  for (const Row& row : rows) {
    if (const auto why = best.skipped.find(row.name); why != best.skipped.end())
      report_skipped(row.name, why->second, json);
    else
      report(row, best, json);
  }
}

Result<> run(const Options& options) {
  std::vector<Row> rows = chosen_rows(options.names);
  if (rows.empty())
    return fail(ErrorCode::invalid_argument, "no row has such a name; --list names them");
  std::string pattern = (std::filesystem::temp_directory_path() / "penstock-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) return fail(ErrorCode::io, "no folder for the data");
  Settings settings{.records = options.records, .folder = pattern};
  double before = memory_probe_ns();
  Result<Best> best = run_rounds(rows, settings, options.rounds);
  double after = memory_probe_ns();
  std::error_code ignored;
  std::filesystem::remove_all(settings.folder, ignored);
  if (!best) return fail(std::move(best).error());
  OrderedJson json = OrderedJson::array();
  report_all(rows, *best, json);
  double ratio = before < after ? after / before : before / after;
  fmt::print("memory probe: {:.1f} ns before, {:.1f} ns after: the machine was {}\n", before, after,
             ratio < 1.1 ? "quiet" : "NOT quiet, take the figures with care");
  if (options.json.empty()) return {};
  std::ofstream out(options.json);
  out << json.dump(2) << "\n";
  if (!out.flush()) return fail(ErrorCode::io, fmt::format("'{}' cannot be written", options.json));
  return {};
}

int main_of(int argc, char** argv) {
  Options options;
  bool list = false;
  CLI::App app(
      "Measures the engine against the limits of this machine, in CPU seconds per million "
      "records.");
  app.add_option(
      "name", options.names,
      "rows, by their names or the beginning of them; by default all but those that need a broker: "
      "kafka (tools/kafka, and so Java) and mqtt (mosquitto)");
  app.add_option("--json", options.json, "write the figures into this file too");
  app.add_option("--records", options.records, "records per row")
      ->check(CLI::Range(1000, 100'000'000));
  app.add_option("--rounds", options.rounds,
                 "each row's best round counts, and the median of shares")
      ->check(CLI::Range(1, 100));
  app.add_flag("--list", list, "say which rows there are");
  CLI11_PARSE(app, argc, argv);
  if (list) {
    for (const Row& row : all_rows()) fmt::print("{:<24} {}\n", row.name, row.what);
    return 0;
  }
  log::set_level(log::Level::warning);
  if (Result<> done = run(options); !done) {
    fmt::print(stderr, "penstock_bench: {}\n", done.error().text());
    return facts_of(done.error().code()).exit_status;
  }
  return 0;
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  return penstock::bench::main_of(argc, argv);
}
