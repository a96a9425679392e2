// The roofline's work as SQL, through a session: two of a bid's seven fields, topic to topic.
#pragma once

#include <string_view>

#include "bench/bids.h"
#include "bench/rows.h"
#include "engine/runtime.h"
#include "topics/log.h"

namespace penstock::bench {

struct Case {
  std::string_view input;  // topic, filled before
  bool sealed_input = false;
  bool discard = true;  // the sink
  bool sealed_output = false;
  Extra extra = Extra::none;  // in the input
  std::string_view select = "SELECT `auction`, `dateTime` FROM bid";
  engine::CommitLimits commit = {};
  bool poisoned = false;     // no record is what the stream says: all become dead letters
  bool passes_none = false;  // nothing is to come out; else something
};

// A new log in the run's folder, or the one of the rows before.
Result<Measurement> run_embedded(std::string_view name, const Case& what, const Settings& settings,
                                 int round);

// Runs the query over what the input topic holds. Every name and round has a sink of its own, and
// so a query of its own that starts at the beginning. The note says how many commits there were.
Result<Measurement> run_case(topics::Log& log, std::string_view name, const Case& what,
                             const Settings& settings, int round);

}  // namespace penstock::bench
