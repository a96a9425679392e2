// Which log a server works on, out of its command line and its configuration.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "server/config.h"
#include "server/log_facts.h"
#include "topics/embedded_log.h"
#include "topics/kafka/kafka_log.h"

namespace CLI {
class App;
}

namespace penstock::server {

struct LogArguments {
  std::string data = {}, kafka = {}, service = {};
  std::filesystem::path kafka_config = {};
  bool share = false;
  std::string instance = {};
  std::optional<std::int64_t> session_ms = {};
};
void declare_log_arguments(CLI::App& app, LogArguments& out);

struct LogPlan {
  std::filesystem::path folder;               // embedded
  std::optional<topics::KafkaOptions> kafka;  // else
  LogFacts facts;
};

// Takes --service into config.service_id, and the age of commits that fits the log unless it was
// given. `folder` is the configuration's. only_configured: the configuration alone says where the
// topics are and who the service is; a measured one also who shares it. invalid_argument: neither a
// folder nor Kafka, both, or an option that the choice has no use for.
Result<LogPlan> plan_log(const LogArguments& arguments, bool only_configured,
                         const std::filesystem::path& folder, Config& config);

struct OpenedLog {
  std::unique_ptr<topics::Log> log;
  topics::EmbeddedLog* embedded = nullptr;  // null on Kafka
};
Result<OpenedLog> open_planned_log(LogPlan& plan, const Config& config,
                                   topics::StateIdentity identity);

}  // namespace penstock::server
