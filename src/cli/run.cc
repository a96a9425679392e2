#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include <CLI/CLI.hpp>

#include "base/file.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/folder.h"
#include "cli/limits.h"
#include "cli/log_place.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/undecided_text.h"
#include "connect/builtin.h"
#include "session/session.h"
#include "session/state_identity.h"
#include "topics/embedded_log.h"
#include "topics/limits.h"

namespace penstock::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookEvery = 250ms;  // at progress and failed queries
constexpr auto kSignalLook = 100ms;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::string mebibytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

OrderedJson run_query_json(const session::QueryRow& query) {
  const engine::QueryStats& stats = query.stats;
  OrderedJson out = {{"id", query.id},
                     {"sink", query.sink},
                     {"state", engine::name_of(stats.state)},
                     {"records_in", stats.records_in},
                     {"records_out", stats.records_out},
                     {"dead_letters", stats.dead_letters},
                     {"dead_letters_topic", query.dead_letters_topic},
                     {"bytes_in", stats.bytes_in},
                     {"bytes_out", stats.bytes_out},
                     {"commits", stats.commits},
                     {"cpu_s", stats.cpu_seconds},
                     {"memory_peak_bytes", stats.memory_peak_bytes}};
  std::uint64_t missing = 0, head_missing = 0;
  for (const engine::PartitionProgress& progress : stats.progress) {
    missing += progress.missing.totals.missing;
    head_missing += progress.missing.totals.head_missing;
  }
  if (missing + head_missing > 0)
    out["missing_records"] = {{"taken_out", missing}, {"head", head_missing}};
  topics::Offset undecided = 0;
  for (const engine::PartitionProgress& progress : stats.progress)
    if (progress.undecided) undecided += progress.undecided->offsets;
  if (undecided > 0) out["undecided_offsets"] = undecided;  // behind open transactions
  if (stats.error) out["error"] = stats.error->text();
  return out;
}

class Run final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.add_option("FILE.sql", file_, "Statements, each ended by a semicolon")->required();
    place_.declare(verb, "Data folder; made when missing");
    verb.add_option("--threads", session_.runtime.threads, "Threads that run queries")
        ->check(CLI::Range(1, kThreadsMax))
        ->capture_default_str();
    CLI::Option* until_end =
        verb.add_flag("--until-end", until_end_,
                      "Process what the topics hold now, commit, print what was done, end");
    verb.add_flag("--fail-on-dead-letters", fail_on_dead_letters_,
                  "With --until-end: end with an error when a query could not read or compute a "
                  "record")
        ->needs(until_end);
    verb.add_option("--keys", keys_file_, "Key file for sealed topics");
    verb.add_flag("--json", json_, "Print what was done as JSON");
    verb.add_option("--commit-records", session_.runtime.commit.records,
                    "Commit after so many input records")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 24))
        ->capture_default_str();
    verb.add_option("--commit-ms", commit_ms_, "Commit after so many milliseconds")
        ->check(CLI::Range(1, 60'000))
        ->default_str(fmt::format("{}, on Kafka {}", engine::CommitLimits{}.age.count(),
                                  engine::kTransactionLimits.age.count()));
    verb.add_flag(
            "--accept-loss", accept_loss_,
            "Take the folder's positions and states as they are, although they are not what "
            "this service wrote last (a backup put back in part, a repair): records may count "
            "twice or be missing. Then ALTER QUERY ... RESET POSITIONS where tasks are refused")
        ->excludes(place_.kafka_option());
    verb.add_option("--durability", durability_,
                    "What a commit survives: os (a killed process), disk (a power loss too)")
        ->check(CLI::IsMember({"os", "disk"}))
        ->excludes(place_.kafka_option())  // the brokers' business
        ->capture_default_str();
  }

  Result<> run() override {
    TRY(place_.check());
    if (place_.on_kafka()) session_.runtime.commit = engine::kTransactionLimits;
    if (commit_ms_) session_.runtime.commit.age = std::chrono::milliseconds(*commit_ms_);
    session_.service_id = place_.service_id();
    std::string script = TRY(read_file(file_, kScriptBytesMax));
    std::optional<Signals> signals;
    if (!until_end_)
      signals.emplace(TRY(Signals::block()));  // else a signal ends it: nothing is lost
    std::optional<seal::KeyRing> keys = TRY(load_server_keys(keys_file_));
    std::unique_ptr<topics::Log> log = TRY(open_own_log(keys ? &*keys : nullptr));
    session_.scripts.push_back({file_.string(), std::move(script)});
    session_.connectors = &connect::builtin_connectors();
    session_.connector_rules.insecure_allowed = true;  // whoever runs this reads everything anyway
    if (keys)
      session_.connector_rules.secrets = [&keys](std::string_view name) {
        return keys->secret(name);
      };
    std::jthread watch;
    if (signals)
      watch =
          std::jthread([&](const std::stop_token& stop) { watch_signals(stop, *signals, *log); });
    Result<std::unique_ptr<session::Session>> opened =
        session::open_session(*log, keys ? &*keys : nullptr, session_);
    if (!opened && signalled_ && is_end(opened.error())) return {};
    std::unique_ptr<session::Session> session = TRY(std::move(opened));
    Result<> ended = until_end_ ? session->drain() : run_until_signal(*session);
    session->close();
    const std::vector<session::QueryRow> queries = session->queries();
    print(queries);
    tell_dead_letters(queries);
    for (const session::QueryRow& query : queries) tell_undecided(query);
    TRY(ended);
    return fail_on_dead_letters_ ? require_no_dead_letters(queries) : Result<>();
  }

  std::string_view advice(const Error& error) const override { return place_.advice(error); }

 private:
  // Queries run here, so the folder must be ours: not through the socket of another process.
  Result<std::unique_ptr<topics::Log>> open_own_log(const seal::KeySource* keys) const {
    if (place_.on_kafka()) return place_.open("penstock run", {}, keys);
    return TRY(topics::EmbeddedLog::open(
        {.folder = place_.folder(),
         .durability = durability_ == "disk" ? topics::Durability::disk : topics::Durability::os,
         .program = "penstock run",
         .identity = TRY(session::state_identity(place_.service_id(), keys)),
         .accept_loss = accept_loss_}));
  }

  // Also while the statements are executed and at the end: brokers that are away hold up nothing
  // for long once a signal has come.
  void watch_signals(const std::stop_token& stop, const Signals& signals, topics::Log& log) {
    while (!stop.stop_requested() && signals.wait(kSignalLook) == 0) continue;
    if (stop.stop_requested()) return;
    log.end_by(std::chrono::steady_clock::now() + topics::kEndPatience);
    signalled_ = true;
  }

  // What calls of the log say that were not let wait for brokers any more.
  static bool is_end(const Error& error) {
    return error.code() == ErrorCode::cancelled || error.code() == ErrorCode::unavailable;
  }

  Result<> run_until_signal(session::Session& session) {
    if (stderr_is_terminal()) note("running; Ctrl-C ends it after the present batch");
    ProgressLine progress;
    std::set<std::string> failed;
    for (; !signalled_; std::this_thread::sleep_for(kLookEvery)) {
      if (progress.due()) progress.show(progress_text(session.queries()));
      for (const session::QueryRow& query : session.queries()) {
        if (query.stats.state != engine::QueryState::failed || !query.stats.error) continue;
        if (!failed.insert(query.id).second) continue;
        progress.clear();
        fmt::print(stderr, "penstock: error: query {} has stopped: {}\n", query.id,
                   query.stats.error->text());
      }
    }
    return {};
  }

  static std::string progress_text(const std::vector<session::QueryRow>& queries) {
    std::uint64_t in = 0, out = 0, dead = 0;
    for (const session::QueryRow& query : queries) {
      in += query.stats.records_in;
      out += query.stats.records_out;
      dead += query.stats.dead_letters;
    }
    return fmt::format("{} quer{}: {} records in, {} out, {} dead letters", queries.size(),
                       queries.size() == 1 ? "y" : "ies", in, out, dead);
  }

  void print(const std::vector<session::QueryRow>& queries) const {
    if (json_) return print_json(queries);
    std::size_t width = 5;
    for (const session::QueryRow& query : queries) width = std::max(width, query.id.size());
    fmt::print("{:<{}}  {:>12}  {:>12}  {:>12}  {:>9}  {:>11}\n", "QUERY", width, "RECORDS IN",
               "RECORDS OUT", "DEAD LETTERS", "CPU S", "PEAK MEMORY");
    for (const session::QueryRow& query : queries) {
      const engine::QueryStats& s = query.stats;
      fmt::print("{:<{}}  {:>12}  {:>12}  {:>12}  {:>9.3f}  {:>11}\n", query.id, width,
                 s.records_in, s.records_out, s.dead_letters, s.cpu_seconds,
                 mebibytes(s.memory_peak_bytes));
    }
    for (const session::QueryRow& query : queries) tell_missing(query);
    fmt::print("process: {:.3f} CPU seconds, {} peak memory\n", cpu_seconds(),
               mebibytes(peak_memory_bytes()));
  }

  void tell_dead_letters(const std::vector<session::QueryRow>& queries) const {
    for (const session::QueryRow& query : queries) {
      if (query.stats.dead_letters == 0) continue;
      note(
          fmt::format("query {}: {} of {} records could not be read or computed; they are in "
                      "topic '{}', which `penstock consume {} --topic {} --from-beginning "
                      "--with-metadata` shows with their reasons",
                      query.id, query.stats.dead_letters, query.stats.records_in,
                      query.dead_letters_topic, place_.option(), query.dead_letters_topic));
    }
  }

  static Result<> require_no_dead_letters(const std::vector<session::QueryRow>& queries) {
    std::uint64_t dead_letters = 0;
    for (const session::QueryRow& query : queries) dead_letters += query.stats.dead_letters;
    if (dead_letters == 0) return {};
    return fail(
        ErrorCode::failed_precondition,
        fmt::format("{} records became dead letters (--fail-on-dead-letters)", dead_letters));
  }

  static void tell_missing(const session::QueryRow& query) {
    for (const engine::PartitionProgress& progress : query.stats.progress) {
      const seal::GapTotals& totals = progress.missing.totals;
      if (totals.missing > 0)
        note(fmt::format("query {}, partition {}: {} sealed records were taken out between others",
                         query.id, progress.partition, totals.missing));
      if (totals.head_missing > 0)
        note(
            fmt::format("query {}, partition {}: {} older sealed records are not there; the log "
                        "claims that they were deleted",
                        query.id, progress.partition, totals.head_missing));
    }
  }

  static void tell_undecided(const session::QueryRow& query) {
    for (const engine::PartitionProgress& progress : query.stats.progress)
      if (progress.undecided)
        note(fmt::format("query {}, partition {}: {}; {}", query.id, progress.partition,
                         undecided_text(*progress.undecided), kUndecidedAdvice));
  }

  static void print_json(const std::vector<session::QueryRow>& queries) {
    OrderedJson out;
    out["queries"] = OrderedJson::array();
    for (const session::QueryRow& query : queries) out["queries"].push_back(run_query_json(query));
    out["process"] = {{"cpu_s", cpu_seconds()}, {"memory_peak_bytes", peak_memory_bytes()}};
    fmt::print("{}\n", out.dump());
  }

  LogPlace place_;
  std::filesystem::path file_;
  std::string keys_file_, durability_ = "os";
  session::SessionOptions session_;
  std::optional<int> commit_ms_;
  bool until_end_ = false, fail_on_dead_letters_ = false, accept_loss_ = false, json_ = false;
  std::atomic<bool> signalled_ = false;
};

}  // namespace

std::unique_ptr<Command> make_run() {
  return std::make_unique<Run>();
}

}  // namespace penstock::cli
