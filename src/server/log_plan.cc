#include "server/log_plan.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace penstock::server {
namespace {

std::unexpected<Error> wrong(std::string text) {
  return fail(ErrorCode::invalid_argument, std::move(text));
}

// What must come out of the configuration and not from the command line, which is the
// host's.
Result<> check_configured(const LogArguments& arguments) {
  if (!arguments.kafka.empty() || !arguments.kafka_config.empty()) {
    return wrong(
        "--kafka, --kafka-config: the configuration says which brokers are meant, since it is "
        "packed or there are keys; put them into its section [kafka]");
  }
  if (!arguments.service.empty()) {
    return wrong(
        "--service: it is the configuration's service_id, since that is packed or there are keys");
  }
  return {};
}

Result<> check_measured(const LogArguments& arguments) {
  if (!arguments.share && arguments.instance.empty() && !arguments.session_ms) return {};
  return wrong(
      "--share, --instance, --session-ms: the configuration is packed, so it is measured, and says "
      "itself whether its service is shared; put share, instance and session_ms into its section "
      "[kafka]");
}

Result<> check_choice(const LogArguments& arguments, bool on_kafka) {
  if (on_kafka && !arguments.data.empty()) {
    return wrong("--data: the topics are on Kafka; leave it out, there is nothing in a folder");
  }
  if (on_kafka) return {};
  if (arguments.data.empty()) {
    return wrong(
        "where are the topics? Give --data DIR or --kafka HOST:PORT, or a configuration "
        "with a section [kafka]");
  }
  if (!arguments.kafka_config.empty()) return wrong("--kafka-config: is for --kafka");
  if (arguments.share || !arguments.instance.empty() || arguments.session_ms) {
    return wrong(
        "--share, --instance, --session-ms: a folder has one process; they are for --kafka");
  }
  return {};
}

std::optional<topics::KafkaSharing> sharing_of(const LogArguments& arguments,
                                               const topics::KafkaSettings& settings) {
  if (!arguments.share && !settings.share) return std::nullopt;
  topics::KafkaSharing out = settings.sharing;
  if (!arguments.instance.empty()) out.instance = arguments.instance;
  if (arguments.session_ms) out.session = std::chrono::milliseconds(*arguments.session_ms);
  return out;
}

Result<topics::KafkaOptions> kafka_options(const LogArguments& arguments,
                                           const std::filesystem::path& folder,
                                           const Config& config) {
  topics::KafkaOptions out;
  topics::KafkaSettings settings;
  if (config.kafka) {
    settings = *config.kafka;
    out.connection = TRY(load_kafka_connection(config, folder));
    out.replication = settings.replication;
    if (!arguments.kafka.empty()) out.connection.bootstrap = arguments.kafka;
  } else {
    out = TRY(topics::kafka_options_of(arguments.kafka, arguments.kafka_config));
  }
  if (out.connection.bootstrap.empty()) {
    return wrong("configuration: 'kafka.bootstrap' is missing, and there is no --kafka HOST:PORT");
  }
  out.service_id = config.service_id;
  out.sharing = sharing_of(arguments, settings);
  if (!out.sharing && (!arguments.instance.empty() || arguments.session_ms)) {
    return wrong("--instance, --session-ms: are for a service that is shared; add --share");
  }
  if (out.sharing && !out.sharing->instance.empty() &&
      !topics::is_kafka_instance(out.sharing->instance)) {
    return wrong("--instance: expected 1 to 200 letters, digits, '.', '_' and '-'");
  }
  return out;
}

}  // namespace

void declare_log_arguments(CLI::App& app, LogArguments& out) {
  app.add_option("--data", out.data, "Folder of the topics; made if it is missing");
  app.add_option("--kafka", out.kafka,
                 "Brokers of Apache Kafka, HOST:PORT,...: the topics are there, not in a folder");
  app.add_option("--kafka-config", out.kafka_config,
                 "How to reach the brokers (TOML): security, ca, user, ...; plaintext without");
  app.add_option("--service", out.service,
                 "Service id, as service_id in the configuration: begins the names of groups and "
                 "transactions on Kafka");
  app.add_flag("--share", out.share,
               "Share the service's tasks with other penstockd of the same statements (Kafka)");
  app.add_option("--instance", out.instance,
                 "With --share: a name of this process that stays over its restarts, so that its "
                 "tasks wait for it");
  app.add_option("--session-ms", out.session_ms,
                 "With --share: a silent process loses its tasks after so many milliseconds")
      ->check(CLI::Range(topics::kKafkaSessionMsMin, topics::kKafkaSessionMsMax));
}

Result<LogPlan> plan_log(const LogArguments& arguments, bool only_configured,
                         const std::filesystem::path& folder, Config& config) {
  if (only_configured) TRY(check_configured(arguments));
  if (config.measured()) TRY(check_measured(arguments));
  if (config.kafka && !arguments.kafka_config.empty()) {
    return wrong("--kafka-config: the configuration has a section [kafka] already");
  }
  const bool on_kafka = config.kafka || !arguments.kafka.empty();
  TRY(check_choice(arguments, on_kafka));
  if (!arguments.service.empty()) config.service_id = arguments.service;
  LogPlan plan;
  if (!on_kafka) {
    plan.folder = arguments.data;
    return plan;
  }
  plan.kafka = TRY(kafka_options(arguments, folder, config));
  if (!config.commit_bytes_given)
    config.commit.output_bytes = engine::kTransactionLimits.output_bytes;
  if (!config.commit_age_given) config.commit.age = engine::kTransactionLimits.age;
  plan.facts = {.kind = "kafka",
                .bootstrap = plan.kafka->connection.bootstrap,
                .shared = plan.kafka->sharing.has_value(),
                .instance = plan.kafka->sharing ? plan.kafka->sharing->instance : std::string()};
  // What a process without a name of its own had held, nobody could compare with at its next start.
  if (config.manager && plan.facts.shared && plan.facts.instance.empty()) {
    return wrong(
        "[kafka]: 'share' without 'instance': the manager holds the checkpoints of each process "
        "that shares a service under its name, and without one it would hold nothing; pack a "
        "configuration with an 'instance' of its own for each process");
  }
  return plan;
}

Result<OpenedLog> open_planned_log(LogPlan& plan, const Config& config,
                                   topics::StateIdentity identity) {
  OpenedLog out;
  if (plan.kafka) {
    plan.kafka->identity = std::move(identity);
    out.log = TRY(topics::open_kafka_log(std::move(*plan.kafka)));
    return out;
  }
  auto log = TRY(topics::EmbeddedLog::open({.folder = plan.folder,
                                            .durability = config.durability,
                                            .program = "penstockd",
                                            .identity = std::move(identity),
                                            .accept_loss = config.accept_loss}));
  out.embedded = log.get();
  out.log = std::move(log);
  return out;
}

}  // namespace penstock::server
