// SQL over the embedded log.
#include "bench/engine_case.h"

namespace penstock::bench {
namespace {

Row row(std::string_view name, std::string_view share_of, std::string_view what, Case measured) {
  return {name, share_of, what, [name, measured](const Settings& s, int round) {
            return run_embedded(name, measured, s, round);
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
  Case poisoned = plain;
  poisoned.discard = false;
  poisoned.poisoned = true;
  poisoned.select = "SELECT `auction`, `channel` FROM bid";
  Case filter = plain;
  filter.select = "SELECT `auction`, `price` FROM bid WHERE `auction` % 123 = 0";
  return {
      row("engine_plain", "roofline_plain", "SQL over a plain topic, sink discarded", plain),
      row("engine_sealed", "roofline_sealed", "SQL over a sealed topic, sink discarded", sealed),
      row("engine_sealed_to_plain", "engine_plain", "what sealing costs: the row above again",
          sealed),
      row("engine_plain_filter", "roofline_plain", "Nexmark q2, sink discarded", filter),
      row("engine_plain_sink", "roofline_plain", "plain topic to plain topic", plain_sink),
      row("poisoned_topic", "", "every record a dead letter", poisoned),
      row("engine_sealed_sink", "roofline_sealed", "sealed topic to sealed topic", sealed_sink),
  };
}

}  // namespace penstock::bench
