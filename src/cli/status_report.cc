#include "cli/status_report.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/console/cell_text.h"
#include "cli/console/table.h"
#include "cli/manager/answer_text.h"
#include "cli/paragraph.h"
#include "cli/undecided_text.h"

namespace penstock::cli {
namespace {

constexpr Hanging kFact{.indent = 0, .label_width = 15};
constexpr std::size_t kPartitionsShown = 256;  // of one query

bool flag(const Json& object, const char* member) {
  const auto at = object.find(member);
  return at != object.end() && at->is_boolean() && at->get<bool>();
}

double seconds_of(const Json& object, const char* member) {
  const auto at = object.find(member);
  return at != object.end() && at->is_number() ? at->get<double>() : 0;
}

Json object_of(const Json& object, const char* member) {
  const auto at = object.find(member);
  return at != object.end() && at->is_object() ? *at : Json::object();
}

std::string log_text(const Json& log) {
  const std::string kind = text_of(log, "kind");
  if (kind != "kafka") return kind == "embedded" ? "in a folder" : kind;
  std::string out = fmt::format("Kafka at {}", text_of(log, "bootstrap"));
  if (!flag(log, "shared")) return out + "; all tasks run in this process";
  const std::string instance = text_of(log, "instance");
  out += "; tasks are shared with other processes";
  return instance.empty() ? out : fmt::format("{}, this one is '{}'", out, instance);
}

std::string keys_text(const Json& status) {
  return flag(status, "keys_loaded") ? "loaded" : "none loaded: sealed topics stay sealed";
}

std::string statements_text(const Json& status) {
  const std::string from = text_of(status, "sql_from");
  if (from == "anybody") return "free: everybody who reaches the server may run any";
  std::string out = from == "measured" ? "those of the measured configuration"
                                       : "those of its configuration, which is not measured";
  if (flag(status, "signed_statements")) out += ", and signed ones";
  return out;
}

std::string tee_text(const Json& status) {
  const Json enrollment = object_of(status, "enrollment");
  std::string out = text_of(status, "tee");
  if (enrollment.empty()) return out;
  out += fmt::format("; app {}, {} renewals, {} failed; its token {}", text_of(enrollment, "app"),
                     number_of(enrollment, "renewals"), number_of(enrollment, "failures"),
                     flag(enrollment, "token_valid") ? "holds" : "has ended");
  if (const std::string last = text_of(enrollment, "last_error"); !last.empty())
    out += "; last error: " + last;
  return out;
}

std::string commits_text(const Json& commits) {
  const std::int64_t committed = number_of(commits, "committed");
  const std::int64_t others =
      number_of(commits, "aborted") + number_of(commits, "fenced") + number_of(commits, "unknown");
  std::string out = fmt::format("{} committed, {} aborted, {} fenced, {} unknown", committed,
                                number_of(commits, "aborted"), number_of(commits, "fenced"),
                                number_of(commits, "unknown"));
  if (committed + others == 0) return out;
  return fmt::format(
      "{}; {:.1f} ms on average, {:.1f} ms at most", out,
      1000 * seconds_of(commits, "seconds") / static_cast<double>(committed + others),
      1000 * seconds_of(commits, "seconds_max"));
}

// "2 of 4: 0, 3", where the tasks are shared.
std::string here_text(const Json& query) {
  std::vector<std::int64_t> here;
  for (const Json& partition : list_of(query, "partitions"))
    here.push_back(number_of(partition, "partition"));
  const std::int64_t all = number_of(query, "partition_count");
  if (static_cast<std::int64_t>(here.size()) == all) return fmt::format("all {}", all);
  if (here.empty()) return fmt::format("none of {}", all);
  here.resize(std::min(here.size(), kPartitionsShown));
  return fmt::format("{} of {}: {}", list_of(query, "partitions").size(), all,
                     fmt::join(here, ", "));
}

std::string lag_text(const Json& query) {
  std::int64_t all = 0;
  std::vector<std::string> each;
  for (const Json& partition : list_of(query, "partitions")) {
    const std::int64_t lag = number_of(partition, "lag");
    all += lag;
    if (lag > 0 && each.size() < kPartitionsShown)
      each.push_back(fmt::format("{}: {}", number_of(partition, "partition"), lag));
  }
  return each.empty() ? "0" : fmt::format("{} ({})", all, fmt::join(each, ", "));
}

// Sealed records that the log did not hand over.
std::string missing_text(const Json& query) {
  std::string out;
  for (const Json& partition : list_of(query, "partitions")) {
    const auto found = partition.find("missing");
    if (found == partition.end() || !found->is_object()) continue;
    if (const std::int64_t records = number_of(*found, "records"); records > 0)
      out += fmt::format(
          "MISSING  query {}, partition {}: {} sealed record{} taken out in {} place{}\n",
          text_of(query, "id"), number_of(partition, "partition"), records, records == 1 ? "" : "s",
          number_of(*found, "gaps"), number_of(*found, "gaps") == 1 ? "" : "s");
    if (const std::int64_t records = number_of(*found, "head_records"); records > 0)
      out += fmt::format(
          "MISSING  query {}, partition {}: {} older sealed record{}; the log claims that they "
          "were deleted\n",
          text_of(query, "id"), number_of(partition, "partition"), records,
          records == 1 ? "" : "s");
    for (const Json& epoch : list_of(*found, "epochs"))
      out += fmt::format("         epoch {}: {}\n", text_of(epoch, "epoch"),
                         number_of(epoch, "records"));
  }
  return out;
}

// What open transactions hold back.
std::string waiting_text(const Json& query) {
  std::string out;
  for (const Json& partition : list_of(query, "partitions")) {
    const Json held = object_of(partition, "undecided");
    if (number_of(held, "offsets") <= 0) continue;
    topics::Undecided undecided{.from = number_of(held, "from"),
                                .offsets = number_of(held, "offsets")};
    if (held.contains("since_ms")) undecided.since_ms = number_of(held, "since_ms");
    if (held.contains("producer_id")) undecided.producer_id = number_of(held, "producer_id");
    out += fmt::format("WAITING  query {}, partition {}: {}\n", text_of(query, "id"),
                       number_of(partition, "partition"), undecided_text(undecided));
  }
  return out.empty() ? out : out + fmt::format("         {}\n", kUndecidedAdvice);
}

std::string queries_text(const Json& queries, std::size_t columns) {
  Table table;
  table.columns = {{"QUERY"},
                   {"STATE"},
                   {"RECORDS IN", true},
                   {"RECORDS OUT", true},
                   {"DEAD LETTERS", true},
                   {"RESTARTS", true},
                   {"PARTITIONS HERE"},
                   {"LAG"}};
  std::string errors;
  for (const Json& query : queries) {
    table.rows.push_back({text_of(query, "id"), text_of(query, "state"),
                          text_of(query, "records_in"), text_of(query, "records_out"),
                          text_of(query, "dead_letters"), text_of(query, "restarts"),
                          here_text(query), lag_text(query)});
    if (const std::string error = text_of(query, "error"); !error.empty())
      errors += fmt::format("ERROR  query {}: {}\n", text_of(query, "id"), error);
    errors += missing_text(query) + waiting_text(query);
  }
  if (table.rows.empty()) return "There are no queries.\n";
  return to_text(std::move(table), columns, Overlong::spill) + errors;
}

std::string misbehaviour_text(const Json& list) {
  if (list.empty()) return "";
  std::string out = "\nWhat the brokers did that honest ones do not:\n";
  for (const Json& one : list)
    out += fmt::format("  {}, topic {}, partition {}: {} time{}; last: {}\n", text_of(one, "kind"),
                       text_of(one, "topic"), number_of(one, "partition"), number_of(one, "count"),
                       number_of(one, "count") == 1 ? "" : "s", text_of(one, "last"));
  return out;
}

}  // namespace

std::string status_text(const Json& status, std::size_t columns) {
  std::string out;
  const auto fact = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) out += paragraph(name, text, kFact, columns);
  };
  const Json log = object_of(status, "log");
  fact("service", text_of(status, "service_id"));
  fact("log", log_text(log));
  fact("keys", keys_text(status));
  fact("statements", statements_text(status));
  fact("TEE", tee_text(status));
  if (text_of(log, "kind") == "kafka") {
    fact("commits", commits_text(object_of(status, "commits")));
    fact("rebalances", text_of(status, "rebalances"));
    fact("reconnections", text_of(status, "client_restarts"));
  }
  out += "\n" + queries_text(list_of(status, "queries"), columns);
  return out + misbehaviour_text(list_of(status, "misbehaviour"));
}

}  // namespace penstock::cli
