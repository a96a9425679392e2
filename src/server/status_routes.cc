// GET /penstock/status: what this server is and what it does. No field's value ever, and no secret:
// names, numbers, and the texts of errors.
#include <algorithm>

#include "server/error_body.h"
#include "server/route.h"

namespace penstock::server {
namespace {

OrderedJson shown_status(const enroll::EnrollmentState& state) {
  OrderedJson out;
  out["app"] = state.app;
  out["token_valid"] = state.token_valid;
  out["token_expires_s"] = state.token_expires_s;
  out["renewals"] = state.renewals;
  out["failures"] = state.failures;
  out["last_error"] = state.last_error.empty() ? OrderedJson() : OrderedJson(state.last_error);
  return out;
}

OrderedJson shown_status(const LogFacts& log) {
  OrderedJson out;
  out["kind"] = log.kind;
  if (log.kind != "kafka") return out;
  out["bootstrap"] = log.bootstrap;
  out["shared"] = log.shared;
  out["instance"] = log.instance.empty() ? OrderedJson() : OrderedJson(log.instance);
  return out;
}

OrderedJson shown_status(const topics::LogFigures& figures) {
  OrderedJson out;
  out["committed"] = figures.committed;
  out["aborted"] = figures.aborted;
  out["fenced"] = figures.fenced;
  out["unknown"] = figures.unknown;
  out["seconds"] = figures.commit_seconds;
  out["seconds_max"] = figures.commit_seconds_max;
  return out;
}

OrderedJson shown_status(const std::vector<topics::Misbehaviour>& list) {
  OrderedJson out = OrderedJson::array();
  for (const topics::Misbehaviour& one : list) {
    OrderedJson& row = out.emplace_back();
    row["kind"] = one.kind;
    row["topic"] = one.topic;
    row["partition"] = one.partition;
    row["count"] = one.count;
    row["last"] = one.last;
  }
  return out;
}

void put_work(OrderedJson& out, const engine::Work& work) {
  out["records_in"] = work.records_in;
  out["records_out"] = work.records_out;
  out["dead_letters"] = work.dead_letters;
  out["bytes_in"] = work.bytes_in;
  out["bytes_out"] = work.bytes_out;
  out["commits"] = work.commits;
  out["commit_seconds"] = work.commit_seconds;
  out["restarts"] = work.restarts;
}

OrderedJson shown_status(const engine::MissingRecords& missing) {
  OrderedJson out;
  out["gaps"] = missing.totals.gaps;
  out["records"] = missing.totals.missing;
  out["head_gaps"] = missing.totals.head_gaps;
  out["head_records"] = missing.totals.head_missing;
  out["epochs"] = OrderedJson::array();
  for (const engine::MissingRecords::Epoch& epoch : missing.epochs) {
    OrderedJson& row = out["epochs"].emplace_back();
    row["epoch"] = epoch.epoch;
    row["records"] = epoch.missing;
    row["head"] = epoch.head;
  }
  return out;
}

OrderedJson shown_status(const topics::Undecided& undecided) {
  OrderedJson out;
  out["from"] = undecided.from;
  out["offsets"] = undecided.offsets;
  if (undecided.since_ms) out["since_ms"] = *undecided.since_ms;
  if (undecided.producer_id) out["producer_id"] = *undecided.producer_id;
  return out;
}

OrderedJson shown_status(const engine::PartitionProgress& progress) {
  OrderedJson out;
  out["partition"] = progress.partition;
  out["position"] = progress.position;
  out["end"] = progress.end;
  out["lag"] = std::max<topics::Offset>(0, progress.end - progress.position);
  put_work(out, progress.work);
  if (progress.undecided) out["undecided"] = shown_status(*progress.undecided);
  if (progress.missing.totals != seal::GapTotals{}) out["missing"] = shown_status(progress.missing);
  return out;
}

OrderedJson shown_status(const session::QueryRow& query) {
  const engine::QueryStats& stats = query.stats;
  OrderedJson out;
  out["id"] = query.id;
  out["sink_topic"] = query.sink_topic;
  out["state"] = engine::name_of(stats.state);
  out["error"] = stats.error ? OrderedJson(stats.error->text()) : OrderedJson();
  put_work(out, stats);
  out["cpu_s"] = stats.cpu_seconds;
  out["partition_count"] = stats.partitions;  // of the source; below are those worked on here
  out["partitions"] = OrderedJson::array();
  for (const auto& progress : stats.progress) out["partitions"].push_back(shown_status(progress));
  return out;
}

}  // namespace

void give_service_status(const RouteContext& context, const Call&, net::ResponseWriter& writer) {
  const Attestation& here = context.attestation;
  OrderedJson out;
  out["service_id"] = context.service_id;
  out["keys_loaded"] = context.keys_loaded;
  out["sql_from"] = name_of(context.sql_from);
  out["signed_statements"] = context.signed_statements;
  out["tee"] = here.provider != nullptr ? OrderedJson(here.provider->tee()) : OrderedJson();
  out["enrollment"] =
      here.enrollment != nullptr ? shown_status(here.enrollment->state()) : OrderedJson();
  out["log"] = shown_status(context.log_facts);
  if (context.log_facts.kind == "kafka") {  // which counts what it does
    const topics::LogFigures figures = context.log.figures();
    out["commits"] = shown_status(figures);
    out["client_restarts"] = figures.client_restarts;
    out["rebalances"] = figures.rebalances;
    out["misbehaviour"] = shown_status(figures.misbehaviour);
  }
  out["queries"] = OrderedJson::array();
  for (const auto& query : context.session.queries()) out["queries"].push_back(shown_status(query));
  answer(writer, 200, out);
}

}  // namespace penstock::server
