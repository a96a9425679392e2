// The implementations that the conformance suite runs over: one line each.
#include <unistd.h>

#include <fmt/format.h>

#include "topics/conformance.h"
#include "topics/embedded_log.h"
#include "topics/kafka/test_broker.h"
#include "topics/log_client.h"
#include "topics/memory_log.h"
#include "topics/test_delayed_log.h"
#include "topics/test_log.h"
#include "topics/test_state_key.h"

namespace penstock::topics {
namespace {

class MemoryPlace final : public LogPlace {
 public:
  std::unique_ptr<Log> open() override { return make_memory_log(test_identity()); }
};

// Keeps the suite fit for logs on servers, also where none runs.
class DelayedPlace final : public LogPlace {
 public:
  std::unique_ptr<Log> open() override {
    memory_ = make_memory_log(test_identity());
    return std::make_unique<DelayedLog>(
        *memory_, Delays{.commit = std::chrono::milliseconds(1),
                         .rules = {.record_bytes_max = 900'000, .timestamp_ms_min = 1}});
  }

 private:
  std::unique_ptr<Log> memory_;
};

class EmbeddedPlace final : public LogPlace {
 public:
  explicit EmbeddedPlace(std::size_t segment_bytes) : segment_bytes_(segment_bytes) {}
  std::unique_ptr<Log> open() override {
    return must(EmbeddedLog::open({.folder = folder_.path() / "data",
                                   .segment_bytes = segment_bytes_,
                                   .serve = false,
                                   .identity = test_identity()}));
  }

 private:
  const std::size_t segment_bytes_;
  TemporaryFolder folder_;
};

// The holder's log and a client that goes through its socket.
class SocketPlace final : public LogPlace {
 public:
  std::unique_ptr<Log> open() override {
    holder_.reset();
    holder_ = must(EmbeddedLog::open({.folder = folder_.path(), .identity = test_identity()}));
    return must(connect_log(folder_.path()));
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Log> holder_;
};

// The broker is the tests' own: its topics are removed for each test.
class KafkaPlace final : public LogPlace {
 public:
  KafkaPlace() {
    static int places = 0;
    service_ = fmt::format("test-{}-{}", ::getpid(), ++places);
    std::unique_ptr<Log> log = open();
    for (const TopicName& name : must(log->list())) must(log->remove(name));
  }
  std::unique_ptr<Log> open() override {
    return must(open_kafka_log(kafka::test_options(service_)));
  }

 private:
  std::string service_;
};

}  // namespace

std::vector<LogImplementation> builtin_implementations() {
  std::vector<LogImplementation> all = {
      {"memory", false, [] { return std::make_unique<MemoryPlace>(); }},
      {"delayed", false, [] { return std::make_unique<DelayedPlace>(); }, false},
      {"embedded", true, [] { return std::make_unique<EmbeddedPlace>(64 << 20); }},
      {"embedded_small_segments", true, [] { return std::make_unique<EmbeddedPlace>(1000); }},
      {"socket", true, [] { return std::make_unique<SocketPlace>(); }},
  };
  if (kafka::test_bootstrap() != nullptr)
    all.push_back(
        {"kafka", true, [] { return std::make_unique<KafkaPlace>(); }, false, false, false});
  return all;
}

TEST(KafkaConformance, HasABroker) {
  if (kafka::test_bootstrap() == nullptr)
    GTEST_SKIP() << "the suite runs over Kafka with tools/kafka/with_broker.py topics_test";
}

}  // namespace penstock::topics
