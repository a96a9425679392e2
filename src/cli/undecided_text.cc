#include "cli/undecided_text.h"

#include <fmt/format.h>

#include "data/time_text.h"

namespace penstock::cli {

std::string undecided_text(const topics::Undecided& undecided) {
  std::string out = fmt::format("{} offset{} from {} on wait{} behind an open transaction",
                                undecided.offsets, undecided.offsets == 1 ? "" : "s",
                                undecided.from, undecided.offsets == 1 ? "s" : "");
  if (undecided.producer_id) out += fmt::format(" of producer {}", *undecided.producer_id);
  if (undecided.since_ms)
    out += fmt::format(", whose first record is of {}Z", data::timestamp_text(*undecided.since_ms));
  return out;
}

}  // namespace penstock::cli
