// What the conformance suite (conformance_test.cc) needs to know of an implementation of the log.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "topics/log.h"

namespace penstock::topics {

// One place where logs are kept during a test.
class LogPlace {
 public:
  virtual ~LogPlace() = default;
  // The log with what is committed in this place. The one before has been destroyed.
  virtual std::unique_ptr<Log> open() = 0;
};

struct LogImplementation {
  std::string name;
  bool durable;  // open() finds what an earlier log of the place has committed
  std::function<std::unique_ptr<LogPlace>()> make_place;  // a new, empty one
  // A record's offset is its number in the partition. false: offsets rise and may leave gaps, of
  // what was aborted too.
  bool dense_offsets = true;
  // Commits come one after the other, in the same order in all partitions. false: those of several
  // writers may interleave; each is whole, and in its own order.
  bool serial_commits = true;
  // A commit finds another's opening of its task by the incarnation, whatever their writers' ids.
  // false (Kafka): while both live, it is a matter of the writer's id.
  bool openings_fence = true;
};

// Every implementation that the suite holds to log.h. The suite keeps to what log.h leaves to the
// implementation: records are at hand some time after their commit, timestamps and sizes are what
// TopicInfo::rules say, and task "Q/n" is the one that advances partition n.
std::vector<LogImplementation> builtin_implementations();

}  // namespace penstock::topics
