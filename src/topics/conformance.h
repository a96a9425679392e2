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
};

// Every implementation that the suite holds to log.h.
std::vector<LogImplementation> builtin_implementations();

}  // namespace penstock::topics
