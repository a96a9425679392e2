#include "cli/log_place.h"

#include <CLI/CLI.hpp>

#include "cli/advice.h"
#include "cli/folder.h"
#include "session/state_identity.h"
#include "topics/kafka/connection_config.h"

namespace penstock::cli {

void LogPlace::declare(CLI::App& verb, const std::string& data_help) {
  data_ = verb.add_option("--data", folder_, data_help);
  kafka_ = verb.add_option("--kafka", bootstrap_,
                           "Brokers of Apache Kafka, HOST:PORT,...: the topics are there, not in a "
                           "folder")
               ->excludes(data_);
  verb.add_option("--kafka-config", kafka_config_,
                  "How to reach the brokers (TOML): security, ca, user, ...; plaintext without")
      ->needs(kafka_);
  verb.add_option("--service", service_id_,
                  "Begins the names of this service's groups and transactions on Kafka")
      ->needs(kafka_)
      ->default_str(service_id_);
}

Result<> LogPlace::check() const {
  if (on_kafka() || !folder_.empty()) return {};
  return fail(ErrorCode::invalid_argument,
              "where are the topics? Give --data DIR or --kafka HOST:PORT");
}

std::string LogPlace::option() const {
  return on_kafka() ? "--kafka " + bootstrap_ : "--data " + folder_.string();
}

std::string LogPlace::text() const {
  return on_kafka() ? fmt::format("Kafka at '{}'", bootstrap_)
                    : fmt::format("'{}'", folder_.string());
}

Result<std::unique_ptr<topics::Log>> LogPlace::open(std::string program,
                                                    std::chrono::milliseconds commit_max,
                                                    const seal::KeySource* keys) const {
  TRY(check());
  if (!on_kafka()) return open_log(folder_, std::move(program));
  topics::StateIdentity identity = TRY(session::state_identity(service_id_, keys));
  topics::KafkaOptions options = TRY(topics::kafka_options_of(bootstrap_, kafka_config_));
  options.identity = std::move(identity);
  options.service_id = service_id_;
  if (commit_max.count() > 0) options.transaction_timeout = commit_max;
  return topics::open_kafka_log(std::move(options));
}

Result<std::unique_ptr<topics::Log>> LogPlace::open_existing(std::string program) const {
  TRY(check());
  if (!on_kafka()) TRY(require_folder(folder_));
  return open(std::move(program));
}

std::string_view LogPlace::advice(const Error& error) const {
  if (!on_kafka()) return advice_for(error);
  switch (error.code()) {
    case ErrorCode::corrupt:
      return "docs/kafka.md, \"Messages\", says what each of these means and what to do.";
    case ErrorCode::fenced:
      return "Another process took over this service. One process runs it, or several penstockd "
             "with --share.";
    case ErrorCode::out_of_space:
      return "Nothing that was committed is lost. Give the brokers room, then go on.";
    default:
      return advice_for(error);
  }
}

}  // namespace penstock::cli
