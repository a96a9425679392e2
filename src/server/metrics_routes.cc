// GET /metrics: figures for Prometheus (text exposition format 0.0.4). No field's value ever.
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/file.h"
#include "server/rest_certificate.h"
#include "server/route.h"

namespace penstock::server {
namespace {

// Label values: backslash, quote and line break are escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

class Page {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    fmt::format_to(std::back_inserter(text_), "# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  template <typename T>
  void sample(std::string_view labels, T value) {
    sample("", labels, value);
  }
  template <typename T>
  void sample(std::string_view suffix, std::string_view labels, T value) {
    if (labels.empty()) {
      fmt::format_to(std::back_inserter(text_), "{}{} {}\n", name_, suffix, value);
    } else {
      fmt::format_to(std::back_inserter(text_), "{}{}{{{}}} {}\n", name_, suffix, labels, value);
    }
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string_view name_;
};

using Queries = std::vector<session::QueryRow>;

template <typename Member>
void per_query(Page& page, const Queries& queries, Member member) {
  for (const session::QueryRow& query : queries) {
    page.sample(fmt::format("query=\"{}\"", escaped(query.id)), query.stats.*member);
  }
}

// Figure: called with a PartitionProgress.
template <typename Figure>
void per_partition(Page& page, const Queries& queries, std::string_view suffix, Figure figure) {
  for (const session::QueryRow& query : queries) {
    for (const engine::PartitionProgress& progress : query.stats.progress) {
      page.sample(
          suffix,
          fmt::format("query=\"{}\",partition=\"{}\"", escaped(query.id), progress.partition),
          figure(progress));
    }
  }
}

template <typename T>
void per_partition(Page& page, const Queries& queries, std::string_view suffix,
                   T engine::Work::* member) {
  per_partition(page, queries, suffix,
                [=](const engine::PartitionProgress& progress) { return progress.work.*member; });
}

template <typename Figure>
void per_partition(Page& page, const Queries& queries, Figure figure) {
  per_partition(page, queries, "", figure);
}

void query_figures(Page& page, const Queries& queries) {
  using Stats = engine::QueryStats;
  using engine::Work;
  page.family("penstock_query_records_in_total", "counter",
              "Records read, per input partition of which this process has the task.");
  per_partition(page, queries, &Work::records_in);
  page.family("penstock_query_records_out_total", "counter", "Records written, likewise.");
  per_partition(page, queries, &Work::records_out);
  page.family("penstock_query_bytes_in_total", "counter", "Bytes of the records read.");
  per_partition(page, queries, &Work::bytes_in);
  page.family("penstock_query_bytes_out_total", "counter", "Bytes of the records written.");
  per_partition(page, queries, &Work::bytes_out);
  page.family("penstock_query_dead_letters_total", "counter",
              "Records that could not be opened, decoded or computed.");
  per_partition(page, queries, &Work::dead_letters);
  using Progress = engine::PartitionProgress;
  page.family("penstock_query_missing_records_total", "counter",
              "Sealed records that were taken out between others, since the query began.");
  per_partition(page, queries, [](const Progress& p) { return p.missing.totals.missing; });
  page.family("penstock_query_gaps_total", "counter", "Places where such records are missing.");
  per_partition(page, queries, [](const Progress& p) { return p.missing.totals.gaps; });
  page.family("penstock_query_head_missing_records_total", "counter",
              "Sealed records before the first of their epoch that is there: the log claims that "
              "they were deleted.");
  per_partition(page, queries, [](const Progress& p) { return p.missing.totals.head_missing; });
  page.family("penstock_query_commit_seconds", "summary",
              "From the end of a commit's gathering to its outcome.");
  per_partition(page, queries, "_sum", &Work::commit_seconds);
  per_partition(page, queries, "_count", &Work::commits);
  page.family("penstock_query_restarts_total", "counter",
              "Times that the task was built again after an error.");
  per_partition(page, queries, &Work::restarts);
  page.family("penstock_query_partitions", "gauge", "Input partitions, whoever has their tasks.");
  per_query(page, queries, &Stats::partitions);
  page.family("penstock_query_cpu_seconds_total", "counter", "CPU time spent for the query.");
  per_query(page, queries, &Stats::cpu_seconds);
  page.family("penstock_query_memory_peak_bytes", "gauge", "Most memory of the query's tasks.");
  per_query(page, queries, &Stats::memory_peak_bytes);
  page.family("penstock_query_running", "gauge",
              "1 while the query runs, 0 when it failed or is paused.");
  for (const session::QueryRow& query : queries) {
    page.sample(fmt::format("query=\"{}\"", escaped(query.id)),
                query.stats.state == engine::QueryState::running ? 1 : 0);
  }
  page.family("penstock_query_lag_records", "gauge",
              "Records between the committed position and the end, per input partition of which "
              "this process has the task. On Kafka offsets: marks of transactions count.");
  per_partition(page, queries, [](const engine::PartitionProgress& progress) {
    return std::max<std::int64_t>(0, progress.end - progress.position);
  });
  page.family("penstock_query_undecided_offsets", "gauge",
              "Those of the lag that wait behind an open transaction (Kafka), likewise.");
  per_partition(page, queries, [](const engine::PartitionProgress& progress) {
    return progress.undecided ? progress.undecided->offsets : 0;
  });
  page.family("penstock_query_position", "gauge", "The committed position, likewise.");
  per_partition(page, queries,
                [](const engine::PartitionProgress& progress) { return progress.position; });
}

template <typename Figure>
void per_connector_task(Page& page, const std::vector<session::ConnectorRow>& connectors,
                        Figure figure) {
  for (const session::ConnectorRow& row : connectors)
    for (const engine::ConnectorTaskStats& task : row.stats.tasks)
      page.sample(fmt::format("connector=\"{}\",task=\"{}\"", escaped(row.name), task.number),
                  figure(task));
}

void connector_figures(Page& page, const std::vector<session::ConnectorRow>& connectors) {
  using Task = engine::ConnectorTaskStats;
  page.family("penstock_connector_running", "gauge",
              "1 while the task has its connection, 0 when it connects, failed or is paused.");
  for (const session::ConnectorRow& row : connectors)
    for (const Task& task : row.stats.tasks)
      if (task.state != engine::ConnectorState::unassigned)
        page.sample(fmt::format("connector=\"{}\",task=\"{}\"", escaped(row.name), task.number),
                    task.state == engine::ConnectorState::running ? 1 : 0);
  page.family("penstock_connector_records_in_total", "counter", "Records taken.");
  per_connector_task(page, connectors, [](const Task& task) { return task.work.records_in; });
  page.family("penstock_connector_records_out_total", "counter", "Records written or sent.");
  per_connector_task(page, connectors, [](const Task& task) { return task.work.records_out; });
  page.family("penstock_connector_dead_letters_total", "counter",
              "Records that could not be written or sent.");
  per_connector_task(page, connectors, [](const Task& task) { return task.work.dead_letters; });
  page.family("penstock_connector_commits_total", "counter", "Commits.");
  per_connector_task(page, connectors, [](const Task& task) { return task.work.commits; });
  page.family("penstock_connector_restarts_total", "counter",
              "Times that the task was built again after an error.");
  per_connector_task(page, connectors, [](const Task& task) { return task.work.restarts; });
  page.family("penstock_connector_lag_records", "gauge", "Records of a sink that wait.");
  for (const session::ConnectorRow& row : connectors)
    for (const Task& task : row.stats.tasks)
      if (task.status.lag)
        page.sample(fmt::format("connector=\"{}\",task=\"{}\"", escaped(row.name), task.number),
                    *task.status.lag);
  page.family("penstock_connector_events_total", "counter",
              "What else a task has counted, such as sessions that brokers have lost.");
  for (const session::ConnectorRow& row : connectors)
    for (const Task& task : row.stats.tasks)
      for (const auto& [name, count] : task.status.counters)
        page.sample(fmt::format("connector=\"{}\",task=\"{}\",event=\"{}\"", escaped(row.name),
                                task.number, escaped(name)),
                    count);
}

// Of logs that count what they do.
void log_figures(Page& page, const RouteContext& context) {
  if (context.log_facts.kind != "kafka") return;
  const topics::LogFigures figures = context.log.figures();
  page.family("penstock_log_commits_total", "counter", "Commits by their outcome.");
  page.sample("outcome=\"committed\"", figures.committed);
  page.sample("outcome=\"aborted\"", figures.aborted);
  page.sample("outcome=\"fenced\"", figures.fenced);
  page.sample("outcome=\"unknown\"", figures.unknown);
  page.family("penstock_log_commit_seconds", "summary",
              "From the end of a commit's gathering to its outcome.");
  page.sample("_sum", "", figures.commit_seconds);
  page.sample("_count", "", figures.committed + figures.aborted + figures.fenced + figures.unknown);
  page.family("penstock_log_commit_seconds_max", "gauge", "The longest of them.");
  page.sample("", figures.commit_seconds_max);
  page.family("penstock_log_client_restarts_total", "counter",
              "Connections made anew after a fatal error.");
  page.sample("", figures.client_restarts);
  page.family("penstock_log_rebalances_total", "counter",
              "Times that the tasks were spread anew over the processes of the service.");
  page.sample("", figures.rebalances);
  page.family("penstock_log_misbehaviour_total", "counter",
              "What the brokers did that honest ones do not; /penstock/status has the words.");
  for (const topics::Misbehaviour& one : figures.misbehaviour) {
    page.sample(fmt::format("kind=\"{}\",topic=\"{}\",partition=\"{}\"", escaped(one.kind),
                            escaped(one.topic), one.partition),
                one.count);
  }
}

// Brokers have figures of their own, and asking them for every topic would cost.
void topic_figures(Page& page, const RouteContext& context) {
  if (context.log_facts.kind != "embedded") return;
  const auto names = context.log.list();
  if (!names) return;
  page.family("penstock_topic_disk_bytes", "gauge", "What the segments of a topic hold.");
  for (const topics::TopicName& name : *names) {
    const auto info = context.log.describe(name);
    if (!info) continue;  // removed just now
    std::uint64_t bytes = 0;
    for (const topics::PartitionInfo& partition : info->partitions) bytes += partition.bytes;
    page.sample(fmt::format("topic=\"{}\"", escaped(name.text())), bytes);
  }
}

std::uint64_t resident_bytes() {
  const auto statm = read_file("/proc/self/statm", 4096);
  if (!statm) return 0;
  const auto second = statm->find(' ');
  if (second == std::string::npos) return 0;
  return std::strtoull(statm->c_str() + second + 1, nullptr, 10) *
         static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void process_figures(Page& page, const RouteContext& context) {
  page.family("penstock_push_queries", "gauge", "Queries whose rows are on their way to clients.");
  page.sample("", context.session.push_queries().size());
  if (context.http != nullptr) {
    page.family("penstock_http_connections", "gauge", "Open connections.");
    page.sample("", context.http->connections());
  }
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    page.family("penstock_process_cpu_seconds_total", "counter", "CPU time of the process.");
    page.sample("", seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
  }
  page.family("penstock_process_resident_bytes", "gauge", "Memory of the process in RAM.");
  page.sample("", resident_bytes());
}

void enrollment_figures(Page& page, const RouteContext& context) {
  if (context.attestation.enrollment == nullptr) return;
  const enroll::EnrollmentState state = context.attestation.enrollment->state();
  page.family("penstock_enrollment_token_valid", "gauge", "1 while the manager's token holds.");
  page.sample(fmt::format("tee=\"{}\",app=\"{}\"", escaped(state.tee), escaped(state.app)),
              state.token_valid ? 1 : 0);
  page.family("penstock_enrollment_token_expires_seconds", "gauge",
              "Unix time at which the manager's token ends.");
  page.sample("", state.token_expires_s);
  page.family("penstock_enrollment_renewals_total", "counter", "Renewals that succeeded.");
  page.sample("", state.renewals);
  page.family("penstock_enrollment_failures_total", "counter", "Renewals that failed.");
  page.sample("", state.failures);
  page.family("penstock_lease_term", "gauge", "Term of the service's lease; 0: none.");
  page.sample("", state.lease_term);
  page.family("penstock_lease_held_commit", "gauge",
              "Number of the commit that the manager holds: later ones a host could take back.");
  page.sample("", state.held_commit);
  page.family("penstock_lease_silence_seconds", "gauge",
              "Since the manager was heard last; at offline_max_s the keys are given up.");
  page.sample("", state.silent_for_s);
}

void certificate_figures(Page& page, const Attestation& attestation) {
  const auto* kept = attestation.certificate;
  const std::int64_t ends_s =
      kept != nullptr ? kept->state().ends_s : attestation.certificate_ends_s;
  if (ends_s == 0) return;
  page.family("penstock_rest_certificate_not_after_seconds", "gauge",
              "When the certificate of the REST interface ends, in seconds since 1970.");
  page.sample("", ends_s);
  if (kept == nullptr) return;
  page.family("penstock_rest_certificate_renewals_total", "counter",
              "Certificates that the manager has issued since the start's.");
  page.sample("", kept->state().renewals);
  page.family("penstock_rest_certificate_failures_total", "counter", "Renewals that failed.");
  page.sample("", kept->state().failures);
}

}  // namespace

void give_metrics(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  Page page;
  query_figures(page, context.session.queries());
  connector_figures(page, context.session.connectors());
  log_figures(page, context);
  topic_figures(page, context);
  process_figures(page, context);
  enrollment_figures(page, context);
  certificate_figures(page, context.attestation);
  (void)writer.send(200, "text/plain; version=0.0.4; charset=utf-8", page.text());
}

}  // namespace penstock::server
