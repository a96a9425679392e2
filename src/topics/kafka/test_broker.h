// For tests beside a broker, which tools/kafka/with_broker.py starts for them.
#pragma once

#include <cstdlib>
#include <string>
#include <utility>

#include "topics/kafka/kafka_log.h"
#include "topics/test_state_key.h"

namespace penstock::topics::kafka {

// Its address; null: there is none.
inline const char* test_bootstrap() {
  return std::getenv("PENSTOCK_KAFKA_BOOTSTRAP");
}

inline KafkaOptions test_options(std::string service) {
  KafkaOptions options;
  options.connection.bootstrap = test_bootstrap();
  options.identity = test_identity(service);
  options.service_id = std::move(service);
  return options;
}

}  // namespace penstock::topics::kafka
