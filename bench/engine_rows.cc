// The roofline's work as SQL: two of a bid's seven fields, over the embedded log, through a
// session.
#include <fmt/format.h>

#include "bench/bids.h"
#include "bench/measure.h"
#include "bench/rows.h"
#include "session/session.h"
#include "topics/embedded_log.h"

namespace penstock::bench {
namespace {

constexpr std::string_view kBidColumns =
    "`auction` BIGINT, `bidder` BIGINT, `price` BIGINT, `channel` STRING, `url` STRING, "
    "`dateTime` BIGINT, `extra` STRING";

struct Case {
  std::string_view input;  // topic, prepared by load_topic
  bool sealed_input = false;
  bool discard = true;  // the sink
  bool sealed_output = false;
  std::string_view select = "SELECT `auction`, `dateTime` FROM bid";
};

std::string script_of(const Case& what, std::string_view sink) {
  std::string seal = fmt::format(", SEAL='psr1', KEY_POLICY='{}'", kPolicy);
  return fmt::format(
      "CREATE STREAM bid ({}) WITH (KAFKA_TOPIC='{}', VALUE_FORMAT='JSON'{});"
      "CREATE STREAM {} WITH (KAFKA_TOPIC='{}', VALUE_FORMAT='JSON', PARTITIONS=1{}) AS {};",
      kBidColumns, what.input, what.sealed_input ? seal : "", sink, sink,
      what.sealed_output ? seal : "", what.select);
}

// Every row and round has a sink of its own, and so a query of its own that starts at the
// beginning.
Result<Measurement> run_case(std::string_view name, const Case& what, const Settings& settings,
                             int round) {
  topics::EmbeddedOptions options{.folder = settings.folder / "log"};
  options.serve = false;
  auto log = TRY(topics::EmbeddedLog::open(std::move(options)));
  const seal::KeyRing* keys = TRY(bench_keys());
  TRY(load_topic(*log, what.input, what.sealed_input, settings.records));

  session::SessionOptions session_options;
  session_options.catalogue = session::SessionOptions::CatalogueFrom::measured;
  session_options.runtime.discard_sinks = what.discard;
  std::string script = script_of(what, fmt::format("{}_{}", name, round));
  session_options.scripts.push_back({.name = "benchmark", .text = std::move(script)});
  double started = process_cpu_seconds();
  auto session = TRY(session::open_session(*log, keys, std::move(session_options)));
  TRY(session->drain());
  Measurement seen{.cpu_seconds = process_cpu_seconds() - started};
  for (const session::QueryRow& query : session->queries()) {
    seen.records += query.stats.records_in;
    if (query.stats.records_out == 0 || query.stats.dead_letters != 0)
      return fail(ErrorCode::internal,
                  fmt::format("{} records came out, {} dead letters", query.stats.records_out,
                              query.stats.dead_letters));
  }
  if (seen.records != settings.records)
    return fail(ErrorCode::internal,
                fmt::format("{} of {} records were read", seen.records, settings.records));
  session->close();
  return seen;
}

Row row(std::string_view name, std::string_view share_of, std::string_view what, Case measured) {
  return {name, share_of, what, [name, measured](const Settings& s, int round) {
            return run_case(name, measured, s, round);
          }};
}

}  // namespace

std::vector<Row> engine_rows() {
  Case plain{.input = "bid_plain"};
  Case sealed{.input = "bid_sealed", .sealed_input = true};
  Case plain_sink = plain;
  plain_sink.discard = false;
  Case sealed_sink = sealed;
  sealed_sink.discard = false;
  sealed_sink.sealed_output = true;
  Case filter = plain;
  filter.select = "SELECT `auction`, `price` FROM bid WHERE `auction` % 123 = 0";
  return {
      row("engine_plain", "roofline_plain", "SQL over a plain topic, sink discarded", plain),
      row("engine_sealed", "roofline_sealed", "SQL over a sealed topic, sink discarded", sealed),
      row("engine_sealed_to_plain", "engine_plain", "what sealing costs: the row above again",
          sealed),
      row("engine_plain_filter", "roofline_plain", "Nexmark q2, sink discarded", filter),
      row("engine_plain_sink", "roofline_plain", "plain topic to plain topic", plain_sink),
      row("engine_sealed_sink", "roofline_sealed", "sealed topic to sealed topic", sealed_sink),
  };
}

}  // namespace penstock::bench
