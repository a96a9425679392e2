// What may be told about the server's log to anybody who asks.
#pragma once

#include <string>

namespace penstock::server {

struct LogFacts {
  std::string kind = "embedded";  // or "kafka"
  std::string bootstrap = {};     // of Kafka
  bool shared = false;            // the tasks, with other processes of the service
  std::string instance = {};      // our name among them, if there is one
};

}  // namespace penstock::server
