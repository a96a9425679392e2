// Nexmark's stateless queries as SQL, topic to topic: q0 passes five columns, q1 converts the
// price, q2 picks auctions. A filter that passes nothing, masking. And what they must not cost:
// members that nobody reads, long lists of IN.
#include "bench/engine_case.h"
#include "bench/rows.h"

namespace penstock::bench {
namespace {

constexpr std::string_view kQ0 =
    "SELECT `auction`, `bidder`, `price`, `dateTime`, `extra` FROM bid";
constexpr std::string_view kQ1 =
    "SELECT `auction`, `bidder`, CAST(0.908 * `price` AS DECIMAL(23, 3)) AS `price`, `dateTime`, "
    "`extra` FROM bid";
constexpr std::string_view kQ2 = "SELECT `auction`, `price` FROM bid WHERE `auction` % 123 = 0";
constexpr std::string_view kEqual = "SELECT `auction`, `price` FROM bid WHERE `auction` = 1500";
constexpr std::string_view kNone = "SELECT `auction`, `price` FROM bid WHERE `auction` < 0";
constexpr std::string_view kMasking =
    "SELECT `auction`, `bidder`, `price`, MASK_KEEP_RIGHT(`channel`, 4) AS `channel`, "
    "MASK(`extra`) AS `extra` FROM bid";
constexpr std::string_view kIn =
    "SELECT `auction`, `price` FROM bid WHERE `auction` IN (1500, 11, 12, 13, 14, 15, 16, 17, 18, "
    "19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29)";

Case plain(std::string_view select) {
  return {.input = "bid_plain", .discard = false, .select = select};
}

Case sealed(std::string_view select) {
  return {.input = "bid_sealed",
          .sealed_input = true,
          .discard = false,
          .sealed_output = true,
          .select = select};
}

Case none_of(Case what) {
  what.passes_none = true;
  return what;
}

Case with_extra(Case what, std::string_view input, Extra extra) {
  what.input = input;
  what.extra = extra;
  return what;
}

Row nexmark(std::string_view name, std::string_view share_of, std::string_view what,
            const Case& measured) {
  return {name, share_of, what, [name, measured](const Settings& s, int round) {
            return run_embedded(name, measured, s, round);
          }};
}

}  // namespace

std::vector<Row> nexmark_rows() {
  return {
      nexmark("nexmark_q0_plain", "roofline_q0_plain", "five columns", plain(kQ0)),
      nexmark("nexmark_q0_sealed", "roofline_q0_sealed", "the same, sealed to sealed", sealed(kQ0)),
      nexmark("nexmark_q1_plain", "roofline_q1_plain", "the price as DECIMAL", plain(kQ1)),
      nexmark("nexmark_q1_sealed", "roofline_q1_sealed", "the same, sealed to sealed", sealed(kQ1)),
      nexmark("nexmark_q2_plain", "roofline_q2_plain", "a filter", plain(kQ2)),
      nexmark("nexmark_q2_sealed", "roofline_q2_sealed", "the same, sealed to sealed", sealed(kQ2)),
      nexmark("nexmark_q0_nested", "nexmark_q0_plain", "q0 beside an unused object",
              with_extra(plain(kQ0), "bid_nested", Extra::nested)),
      nexmark("nexmark_q0_escaped", "nexmark_q0_plain", "q0 beside an unused string with escapes",
              with_extra(plain(kQ0), "bid_escaped", Extra::escaped)),
      nexmark("filter_none", "nexmark_q2_plain", "a filter that passes nothing",
              none_of(plain(kNone))),
      nexmark("masking", "nexmark_q0_plain", "five columns, two of them masked", plain(kMasking)),
      nexmark("filter_equal", "", "WHERE with one literal", plain(kEqual)),
      nexmark("filter_in_20", "filter_equal", "WHERE with IN and 20 literals", plain(kIn)),
  };
}

}  // namespace penstock::bench
