// What a manager holds of a service, so that a folder or a cluster that was put back is noticed:
// how far each part of it had come, and under which lease. Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"

namespace penstock::keys {

// One part: a service's root in a folder (named ""), or a task on Kafka.
struct PartCheckpoint {
  std::int64_t number = 0;  // of its last commit
  std::string hash;         // of what that commit left, lower-case hex; "" with number 0
  friend bool operator==(const PartCheckpoint&, const PartCheckpoint&) = default;
};

struct HeldCheckpoint {
  std::int64_t term = 0;  // of the lease under which it was written; 0: none
  std::map<std::string, PartCheckpoint, std::less<>> parts;
  std::int64_t number() const;  // the highest
  friend bool operator==(const HeldCheckpoint&, const HeldCheckpoint&) = default;
};

// {"term","parts":{"<name>":{"number","hash"}}}; at most kCheckpointPartsMax parts.
// invalid_argument names what is wrong.
Json to_json(const HeldCheckpoint& checkpoint);
Result<HeldCheckpoint> parse_held_checkpoint(const Json& json, std::string_view what);

// How what is shown now stands to what is held.
enum class Progress : std::uint8_t {
  onward,  // the same, or further: nothing is lost
  behind,  // an earlier state was put back, or a part is missing
  forked,  // as far, but it is something else: two have gone on from one state
};
struct Comparison {
  Progress progress = Progress::onward;
  std::string expected, seen;  // for the owner, where it is not onward
};
Comparison compare(const HeldCheckpoint& shown, const HeldCheckpoint& held);

}  // namespace penstock::keys
